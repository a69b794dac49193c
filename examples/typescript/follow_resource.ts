// Follow a live resource by long poll: every event once and in order, whatever happens to the connection.
//   node follow_resource.ts [URI] [--after EVENT_ID] [--seconds N]
// A call waits at the server until something is published; the cursor it returns is where the next one goes on.
import { setTimeout as pause } from "node:timers/promises";
import { type Call, type Fleet, FleetError, type Options, passes, run } from "./fleet.ts";

const DEFAULT_URI = "stream://shared/nightly-import";
const WAIT_MS = 20_000;
const PAUSES_MS = [500, 1000, 2000, 4000, 8000];

interface Page {
  events: { event_id: string; timestamp: string; change_type: string; content: unknown }[];
  next_after: Record<string, string>;
  gap?: Record<string, { oldest_available: string }>;
}

async function main(fleet: Fleet, { positionals, values }: Options): Promise<void> {
  const uri = positionals[0] ?? DEFAULT_URI;
  const seconds = Number(values.seconds ?? Number.POSITIVE_INFINITY);
  if (!(seconds > 0)) throw new FleetError(`--seconds must be a number above 0, not ${values.seconds}`, 2);
  const place = { after: String(values.after ?? "$"), end: Date.now() + seconds * 1000, failures: 0, reached: false };
  for (;;) {
    try {
      await fleet.service("resource_streaming", (call) => follow(call, uri, place));
      return;
    } catch (error) {
      const wait = PAUSES_MS[place.failures];
      // A fleet that was never there is an error at once; only one that was is waited for.
      if (!place.reached || !passes(error) || wait === undefined) throw error;
      console.error(`Lost the connection; again in ${wait} ms.`);
      place.failures += 1;
      await pause(wait);
    }
  }
}

/** Prints what is published, until an event says done or the time is up; moves `place` along. */
async function follow(
  call: Call,
  uri: string,
  place: { after: string; end: number; failures: number; reached: boolean },
): Promise<void> {
  let known = false;
  for (let left = place.end - Date.now(); left > 0; left = place.end - Date.now()) {
    // The first answer comes at once: it says what "$" stands for, so that a lost connection cannot move it.
    const wait_ms = known ? Math.min(WAIT_MS, Math.ceil(left)) : 0;
    const page = await call<Page>("read_resource_stream", { uris: [uri], after: place.after, wait_ms });
    place.reached = true;
    place.failures = 0;
    const gap = page.gap?.[uri];
    if (gap) console.error(`Events are gone: the log begins at ${gap.oldest_available}.`);
    for (const { event_id, timestamp, change_type, content } of page.events) {
      console.log(`${event_id}  ${timestamp}  ${change_type.padEnd(8)} ${JSON.stringify(content)}`);
      place.after = event_id;
      if ((content as { done?: unknown } | null)?.done === true) return;
    }
    place.after = page.next_after[uri] ?? place.after;
    if (!known) console.error(`Following ${uri} from ${place.after}`);
    known = true;
  }
}

await run(
  "usage: node follow_resource.ts [URI] [--after EVENT_ID] [--seconds N]\nFollow a live resource by long poll.",
  { after: { type: "string" }, seconds: { type: "string" } },
  main,
);
