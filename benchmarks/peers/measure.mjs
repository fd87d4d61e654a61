// What both peers' scripts share: arguments, one JSON line a measurement, an open-loop clock, percentiles.
import { setTimeout as sleep } from "node:timers/promises";

export const workload = JSON.parse(process.argv[2]);

export const emit = (measurement) => process.stdout.write(`${JSON.stringify(measurement)}\n`);

/** A document of about so many bytes. */
export const payload = (n, bytes) => {
  const head = { n };
  return { ...head, pad: "x".repeat(Math.max(0, bytes - JSON.stringify(head).length - 9)) };
};

/** Runs `send(batch)` from several publishers at once until `messages` are sent, `batch` at a time. */
export const publishAll = async ({ messages, batch, publishers, payloadBytes }, send) => {
  let next = 0;
  const publisher = async () => {
    while (next < messages) {
      const from = next;
      const count = Math.min(batch, messages - from);
      next += count;
      await send(Array.from({ length: count }, (_, i) => payload(from + i, payloadBytes)));
    }
  };
  await Promise.all(Array.from({ length: publishers }, publisher));
};

/** Messages a second and seconds before latency is measured, the same for every contestant. */
export const warmup = { rate: 300, seconds: 4 };

/**
 * Sends at a fixed rate whatever the answers do; `send(from)` gets the moment its time counts from, in ms of
 * `performance.now()`: when it was due, so that a late sender counts as latency, but for the 2 ms that timers are off by.
 */
export const openLoop = async (rate, seconds, send) => {
  const total = Math.max(1, Math.round(rate * seconds));
  const start = performance.now() + 5;
  const sent = [];
  for (let i = 0; i < total; i++) {
    const due = start + (i * 1000) / rate;
    const ahead = due - performance.now();
    if (ahead > 0) await sleep(ahead);
    const now = performance.now();
    sent.push(send(now - due < 2 ? now : due));
  }
  await Promise.all(sent);
  return total;
};

export const percentiles = (values) => {
  const sorted = Float64Array.from(values).sort();
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)];
  return { p50: at(0.5), p99: at(0.99), p999: at(0.999) };
};

/** Awaits a condition for so long at most; whether it came true. */
const within = async (condition, pauseMs, limitMs) => {
  const deadline = performance.now() + limitMs;
  while (!(await condition())) {
    if (performance.now() > deadline) return false;
    await sleep(pauseMs);
  }
  return true;
};

/** Awaits a condition; throws when it does not come true in time. */
export const until = async (condition, what, pauseMs = 5, limitMs = 180_000) => {
  if (!(await within(condition, pauseMs, limitMs))) throw new Error(`${what} did not come true within ${limitMs} ms.`);
};

/** Waits until `drained()` jobs are the front of the backlog, or the time for that is over; throws when there are none by then. */
export const untilFrontIsDrained = async (drained) => {
  const wanted = Math.min(workload.messages, workload.backlog);
  const whole = await within(() => drained() >= wanted, 2, workload.drainLimitSeconds * 1000);
  if (whole) return;
  if (drained() === 0) throw new Error(`No job of a backlog of ${workload.backlog} was handled within ${workload.drainLimitSeconds} s.`);
  process.stderr.write(`stopped after ${workload.drainLimitSeconds} s: ${drained()} of ${wanted} jobs were drained\n`);
};
