// The way to the fleet: address, key and CA from the environment or from flags, and a patient, honest connection.
//   A2A_URL      https://HOST         --url
//   A2A_API_KEY  the key itself       --key-file FILE
//   A2A_CA       FILE.crt             --ca
import { readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import tls from "node:tls";
import { parseArgs, type ParseArgsOptionsConfig } from "node:util";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport, StreamableHTTPError } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { McpError } from "@modelcontextprotocol/sdk/types.js";

const LONGEST_WAIT_SECONDS = 90;

/** Something a person must mend; its message says what. */
export class FleetError extends Error {
  readonly status: number;
  constructor(message: string, status = 1) {
    super(message);
    this.status = status;
  }
}

/** A tool refused the call; `code` is one of the fleet's: invalid_argument, not_found, unavailable, … */
export class ToolError extends FleetError {
  readonly code: string;
  constructor(tool: string, error: { code: string; message: string }) {
    super(`${tool}: ${error.message} (${error.code})`);
    this.code = error.code;
  }
}

/** Calls a tool of a service and returns its structured answer, of which the caller knows the shape. */
export type Call = <Answer>(tool: string, args: Record<string, unknown>) => Promise<Answer>;

export interface Options {
  positionals: string[];
  values: Record<string, string | boolean | undefined>;
}

/** A deployed fleet as its address and a key. */
export class Fleet {
  readonly url: string;
  readonly #key: string;

  constructor(url: string, key: string) {
    this.url = url;
    this.#key = key;
  }

  /** Connects to a service for as long as `work` takes. */
  async service<Result>(name: string, work: (call: Call) => Promise<Result>): Promise<Result> {
    const client = new Client({ name: "a2a-mcp-examples", version: "1" });
    const transport = new StreamableHTTPClientTransport(new URL(`${this.url}/${name}/mcp`), {
      requestInit: { headers: { Authorization: `Bearer ${this.#key}` } },
      fetch: patientFetch,
    });
    await client.connect(transport);
    const call: Call = async <Answer>(tool: string, args: Record<string, unknown>) => {
      const answer = await client.callTool({ name: tool, arguments: args });
      const content = answer.structuredContent as { error?: { code: string; message: string } } | undefined;
      if (answer.isError) throw new ToolError(tool, content?.error ?? { code: "internal", message: "no reason given" });
      return content as Answer;
    };
    try {
      return await work(call);
    } finally {
      await client.close();
    }
  }
}

/** Waits when it is told to: 429 and 503 with Retry-After (RFC 9110, 10.2.3), for LONGEST_WAIT_SECONDS in all. */
async function patientFetch(url: string | URL, init?: RequestInit): Promise<Response> {
  for (let waited = 0; ; ) {
    const response = await fetch(url, init);
    const seconds = Math.max(1, Number(response.headers.get("retry-after") ?? Number.NaN));
    const busy = response.status === 429 || response.status === 503;
    if (!busy || !(waited + seconds <= LONGEST_WAIT_SECONDS)) return response;
    await response.body?.cancel();
    console.error(`The fleet asks for a pause of ${seconds} s.`);
    waited += seconds;
    await pause(seconds * 1000, undefined, init?.signal ? { signal: init.signal } : {});
  }
}

/** Reads the command line, runs the program, and ends with one clear line where it fails. */
export async function run(
  usage: string,
  flags: ParseArgsOptionsConfig,
  main: (fleet: Fleet, options: Options) => Promise<void>,
): Promise<void> {
  let url = process.env.A2A_URL ?? "the fleet";
  try {
    const options = commandLine(flags);
    if (options.values.help) {
      console.log(`${usage}\nWhere the fleet is: --url (A2A_URL), --key-file (A2A_API_KEY holds the key), --ca (A2A_CA)`);
      return;
    }
    const fleet = fleetOf(options);
    url = fleet.url;
    await main(fleet, options);
  } catch (error) {
    console.error(`error: ${explain(error, url)}`);
    process.exitCode = error instanceof FleetError ? error.status : 1;
  }
}

function commandLine(flags: ParseArgsOptionsConfig): Options {
  const common: ParseArgsOptionsConfig = {
    url: { type: "string" },
    "key-file": { type: "string" },
    ca: { type: "string" },
    help: { type: "boolean", short: "h" },
  };
  try {
    return parseArgs({ options: { ...common, ...flags }, allowPositionals: true }) as Options;
  } catch (error) {
    throw new FleetError(`${(error as Error).message}; see --help`, 2);
  }
}

function fleetOf({ values }: Options): Fleet {
  const url = String(values.url ?? process.env.A2A_URL ?? "");
  if (!URL.canParse(url) || !url.startsWith("https://"))
    throw new FleetError(`where is the fleet? A2A_URL or --url must be https://…, not ${JSON.stringify(url)}`, 2);
  const keyFile = values["key-file"];
  const key = (keyFile ? readText(String(keyFile), "the key") : (process.env.A2A_API_KEY ?? "")).trim();
  if (!/^[\x21-\x7e]+$/.test(key)) throw new FleetError("with which key? Set A2A_API_KEY or give --key-file", 2);
  const ca = values.ca ?? process.env.A2A_CA;
  if (ca) {
    const pem = readText(String(ca), "the CA");
    if (!pem.includes("-----BEGIN CERTIFICATE-----")) throw new FleetError(`${ca} is no certificate to trust`, 2);
    tls.setDefaultCACertificates([...tls.getCACertificates("default"), pem]);
  }
  return new Fleet(url.replace(/\/+$/, ""), key);
}

/** A file's text; a FleetError that says which file could not be read, and what it was to be. */
export function readText(path: string | URL, what: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new FleetError(`${what} cannot be read: ${(error as Error).message}`, 2);
  }
}

/** Whether trying again may help: the way or the server is away, and nobody refused us. */
export function passes(error: unknown): boolean {
  if (error instanceof ToolError) return error.code === "unavailable";
  if (error instanceof StreamableHTTPError) return [502, 503, 504].includes(error.code ?? 0);
  return isNetworkFailure(error) && !String(cause(error).code).includes("CERT");
}

const isNetworkFailure = (error: unknown) => error instanceof TypeError && error.cause !== undefined;
const cause = (error: unknown) => (error as Error).cause as Error & { code?: string };

function explain(error: unknown, url: string): string {
  if (error instanceof FleetError) return error.message;
  if (isNetworkFailure(error)) {
    const { code, message } = cause(error);
    return /CERT|ISSUER|SIGNATURE|ALTNAME/.test(code ?? "")
      ? `the certificate of ${url} is not trusted: set A2A_CA to the file of its authority (${message})`
      : `${url} does not answer: ${message || code}`;
  }
  if (error instanceof StreamableHTTPError && error.code === 401) return `${url} refuses the key: ${said(error)}`;
  if (error instanceof StreamableHTTPError || error instanceof McpError) return `${url} says: ${said(error)}`;
  return error instanceof Error ? error.message : String(error);
}

/** The SDK puts a refusal's body behind words of its own; what the fleet said is inside. */
function said(error: Error): string {
  return /"message":"((?:[^"\\]|\\.)*)"/.exec(error.message)?.[1] ?? error.message;
}
