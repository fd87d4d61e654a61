// pg-boss: batched insert, several fetchers of batched fetch and complete; LISTEN for the latency case.
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parentPort } from "node:worker_threads";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { PgBoss } from "pg-boss";
import { emit, openLoop, payload, percentiles, publishAll, until, untilFrontIsDrained, warmup, workload } from "./measure.mjs";
import { publishInThread } from "./publisher-thread.mjs";

const { connectionString, mode } = workload;
const script = fileURLToPath(import.meta.url);
const queue = "work";
const fetchers = workload.fetchers ?? 8;
const fetchSize = workload.fetchSize ?? 100;
const pool = new pg.Pool({ connectionString, max: 1 });

const boss = new PgBoss({ connectionString, max: 12, supervise: false, schedule: false, useListenNotify: mode === "latency" });
boss.on("error", (error) => process.stderr.write(`${error.message}\n`));
await boss.start();

const isEmpty = async () =>
  (await pool.query("select not exists (select 1 from pgboss.job where name = $1 and state < 'completed') as empty", [queue])).rows[0].empty;

const publish = async (amount) => {
  const begun = performance.now();
  await publishAll(amount, (batch) => boss.insert(queue, batch.map((data) => ({ data }))));
  return amount.messages / ((performance.now() - begun) / 1000);
};

/** Fetches and completes until told to stop; an empty fetch pauses for a moment. */
const drain = (onHandled = () => {}) => {
  let stopped = false;
  const fetcher = async () => {
    while (!stopped) {
      const jobs = await boss.fetch(queue, { batchSize: fetchSize });
      if (jobs.length === 0) {
        await sleep(2);
      } else {
        await boss.complete(queue, jobs.map((job) => job.id));
        onHandled(jobs.length);
      }
    }
  };
  const all = Promise.all(Array.from({ length: fetchers }, fetcher));
  return () => {
    stopped = true;
    return all;
  };
};

const drainForks = async (count) => {
  const forks = Array.from({ length: count }, () => fork(script, [JSON.stringify({ ...workload, mode: "worker" })]));
  await Promise.all(forks.map((child) => new Promise((ready, failed) => child.once("message", ready).once("exit", failed))));
  return () => Promise.all(forks.map((child) => new Promise((ended) => child.once("exit", ended).send("stop"))));
};

const endToEnd = async () => {
  const stopForks = await drainForks((workload.workers ?? 1) - 1);
  const stop = drain();
  await publishInThread(script, { ...workload, messages: workload.warmup });
  await until(isEmpty, "an empty queue after the warm-up");
  const begun = performance.now();
  await publishInThread(script, workload);
  await until(isEmpty, "an empty queue");
  emit({ per_second: workload.messages / ((performance.now() - begun) / 1000) });
  await stop();
  await stopForks();
};

const backlog = async () => {
  const cool = drain();
  await publish({ ...workload, messages: workload.warmup });
  await until(isEmpty, "an empty queue after the warm-up");
  await cool();
  const filled = await publish({ ...workload, messages: workload.backlog });
  let handled = 0;
  const begun = performance.now();
  const stop = drain((count) => (handled += count));
  await untilFrontIsDrained(() => handled);
  emit({ per_second: handled / ((performance.now() - begun) / 1000), drained: handled, publish_per_second: filled });
  await stop();
  await boss.deleteAllJobs(queue);
};

const latency = async () => {
  const times = [];
  await boss.work(queue, { batchSize: 100, pollingIntervalSeconds: 0.5 }, async (jobs) => {
    const now = performance.now();
    for (const { data } of jobs) times.push(now - data.due);
  });
  await openLoop(warmup.rate, warmup.seconds, () => boss.send(queue, { due: performance.now() }));
  await until(isEmpty, "an empty queue after the warm-up");
  times.length = 0;
  const total = await openLoop(workload.rate, workload.seconds, (due) => boss.send(queue, { ...payload(0, workload.payloadBytes), due }));
  await until(() => times.length === total, "every job to be handled");
  emit(percentiles(times));
};

const worker = async () => {
  const stop = drain();
  const told = new Promise((resolve) => process.once("message", resolve));
  process.send("ready");
  await told;
  await stop();
  process.disconnect();
};

if (mode !== "publisher" && mode !== "worker") await boss.createQueue(queue, { notify: mode === "latency" });
if (mode === "publisher") {
  parentPort.postMessage(await publish(workload));
} else if (mode === "publish") {
  await publish({ ...workload, messages: workload.warmup });
  emit({ per_second: await publish(workload) });
  await boss.deleteAllJobs(queue);
} else {
  await { end_to_end: endToEnd, backlog, latency, worker }[mode]();
}
await boss.stop({ graceful: false });
await pool.end();
