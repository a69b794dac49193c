// Bring the phones, e-mail addresses and countries of a customer file to one form; say what nobody could read.
//   node standardize_contacts.ts [customers.csv] [--json]
import { type Call, FleetError, type Options, readText, run, type Fleet } from "./fleet.ts";

const SAMPLE = new URL("../data/customers.csv", import.meta.url);
const COLUMNS = { phone: "Telephone", email: "E-Mail", country: "Country" };
const MOST_ROWS = 1000;

type Field = keyof typeof COLUMNS;
interface Standard {
  index: number;
  input: string;
  status: "ok" | "ambiguous" | "invalid";
  value: string | null;
  candidates?: string[];
  reason?: string;
  details?: { iso2?: string } | null;
}
interface Contact {
  line: number;
  phone: string | null;
  email: string | null;
  country: string | null;
  problems: string[];
}

async function main(fleet: Fleet, { positionals, values }: Options): Promise<void> {
  const rows = readRows(positionals[0] ?? SAMPLE);
  const contacts = await fleet.service("data_standardization", (call) => standardize(call, rows));
  if (values.json) {
    for (const contact of contacts) console.log(JSON.stringify(contact));
    return;
  }
  for (const { line, phone, email, country, problems } of contacts) {
    console.log([String(line).padStart(4), country ?? "??", (phone ?? "-").padEnd(14), email ?? "-"].join("  "));
    for (const problem of problems) console.log(`        ${problem}`);
  }
  const whole = contacts.filter(({ problems }) => problems.length === 0).length;
  console.log(`${whole} of ${contacts.length} contacts are in canonical form; the others say why not.`);
}

/** Countries first: what a national phone number means depends on them. */
async function standardize(call: Call, rows: Record<Field, string>[]): Promise<Contact[]> {
  const contacts = rows.map((_, row): Contact => ({ line: row + 2, phone: null, email: null, country: null, problems: [] }));
  const all = rows.map((_, row) => row);
  const ask = async (tool: string, field: Field, of: number[], options: Record<string, unknown>) => {
    const given = of.filter((row) => rows[row]?.[field].trim());
    if (given.length === 0) return;
    const args = { values: given.map((row) => rows[row]?.[field]), ...options };
    const { results } = await call<{ results: Standard[] }>(tool, args);
    for (const { index, input, status, value, details, candidates, reason } of results) {
      const contact = contacts[given[index] ?? -1];
      if (!contact) continue;
      if (status === "ok") contact[field] = details?.iso2 ?? value;
      else contact.problems.push(`${field} ${JSON.stringify(input)} is ${status}: ${candidates?.join(" or ") ?? reason}`);
    }
  };
  await ask("standardize_locations", "country", all, { languages: ["en", "de", "fr"] });
  await ask("standardize_contact_points", "email", all, { kind: "email", lowercase_local_part: true });
  for (const [country, of] of Map.groupBy(all, (row) => contacts[row]?.country ?? null)) {
    const region = country ? { default_region: country } : {};
    await ask("standardize_contact_points", "phone", of, { kind: "phone", ...region });
  }
  return contacts;
}

function readRows(path: string | URL): Record<Field, string>[] {
  const [heading, ...rows] = parseCsv(readText(path, "the file"));
  const missing = Object.values(COLUMNS).filter((name) => !heading?.includes(name));
  if (!heading || missing.length) throw new FleetError(`${path} lacks the column ${missing.join(", ")}`);
  if (rows.length === 0 || rows.length > MOST_ROWS)
    throw new FleetError(`${path} has ${rows.length} rows; this program takes 1 to ${MOST_ROWS}`);
  const cell = (row: string[], field: Field) => row[heading.indexOf(COLUMNS[field])] ?? "";
  return rows.map((row) => ({ phone: cell(row, "phone"), email: cell(row, "email"), country: cell(row, "country") }));
}

/** RFC 4180: a quoted cell may hold commas, line ends and doubled quotes. */
function parseCsv(text: string): string[][] {
  const rows: string[][] = [[]];
  for (const [, quoted, plain, end] of text.replace(/^\uFEFF/, "").matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/g)) {
    rows.at(-1)?.push(quoted?.replaceAll('""', '"') ?? plain ?? "");
    if (end !== ",") rows.push([]);
  }
  return rows.filter((row) => row.length > 1 || row[0]);
}

await run(
  "usage: node standardize_contacts.ts [FILE.csv] [--json]\nBring phones, e-mail addresses and countries to one form.",
  { json: { type: "boolean" } },
  main,
);
