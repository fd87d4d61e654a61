// graphile-worker, tuned as its documentation advises: a local queue, batched completion, batched enqueue.
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parentPort } from "node:worker_threads";
import { Logger, makeWorkerUtils, run, runMigrations } from "graphile-worker";
import pg from "pg";
import { emit, openLoop, payload, percentiles, publishAll, until, untilFrontIsDrained, warmup, workload } from "./measure.mjs";
import { publishInThread } from "./publisher-thread.mjs";

const { connectionString, mode } = workload;
const script = fileURLToPath(import.meta.url);
const quiet = new Logger(() => (level, message) => {
  if (level === "error") process.stderr.write(`${message}\n`);
});
const preset = {
  worker: {
    connectionString,
    maxPoolSize: 12,
    concurrentJobs: workload.concurrency ?? 24,
    pollInterval: 2000,
    localQueue: { size: 500 },
    completeJobBatchDelay: workload.batchDelay ?? 0,
    failJobBatchDelay: workload.batchDelay ?? 0,
    logger: quiet,
    useNodeTime: false,
  },
};

const start = (taskList) => run({ preset, taskList, noHandleSignals: true });
const specs = (payloads) => payloads.map((one) => ({ identifier: "work", payload: one }));
const pool = new pg.Pool({ connectionString, max: 1 });
const isEmpty = async () => (await pool.query("select not exists (select 1 from graphile_worker._private_jobs) as empty")).rows[0].empty;

const publish = async (amount) => {
  const utils = await makeWorkerUtils({ preset });
  const begun = performance.now();
  await publishAll(amount, (batch) => utils.addJobs(specs(batch)));
  const seconds = (performance.now() - begun) / 1000;
  await utils.release();
  return amount.messages / seconds;
};

const drainForks = async (count) => {
  const forks = Array.from({ length: count }, () => fork(script, [JSON.stringify({ ...workload, mode: "worker" })]));
  await Promise.all(forks.map((child) => new Promise((ready, failed) => child.once("message", ready).once("exit", failed))));
  return () => Promise.all(forks.map((child) => new Promise((ended) => child.once("exit", ended).send("stop"))));
};

const endToEnd = async () => {
  const stopForks = await drainForks((workload.workers ?? 1) - 1);
  const runner = await start({ work: () => {} });
  await publishInThread(script, { ...workload, messages: workload.warmup });
  await until(isEmpty, "an empty queue after the warm-up");
  const begun = performance.now();
  await publishInThread(script, workload);
  await until(isEmpty, "an empty queue");
  emit({ per_second: workload.messages / ((performance.now() - begun) / 1000) });
  await runner.stop();
  await stopForks();
};

const backlog = async () => {
  const warm = await start({ work: () => {} });
  await publish({ ...workload, messages: workload.warmup });
  await until(isEmpty, "an empty queue after the warm-up");
  await warm.stop();
  const filled = await publish({ ...workload, messages: workload.backlog });
  let handled = 0;
  let begun;
  // The clock starts with the first job, when the worker stands; it stops when the front of the backlog is drained.
  const runner = await start({
    work: () => {
      begun ??= performance.now();
      handled++;
    },
  });
  await untilFrontIsDrained(() => handled);
  emit({ per_second: handled / ((performance.now() - begun) / 1000), drained: handled, publish_per_second: filled });
  await runner.stop();
  await pool.query("truncate graphile_worker._private_jobs");
};

const latency = async () => {
  const times = [];
  const runner = await start({ work: ({ due }) => void times.push(performance.now() - due) });
  const utils = await makeWorkerUtils({ preset });
  await openLoop(warmup.rate, warmup.seconds, () => utils.addJob("work", { due: performance.now() }));
  await until(isEmpty, "an empty queue after the warm-up");
  times.length = 0;
  const total = await openLoop(workload.rate, workload.seconds, (due) => utils.addJob("work", { ...payload(0, workload.payloadBytes), due }));
  await until(() => times.length === total, "every job to be handled");
  emit(percentiles(times));
  await utils.release();
  await runner.stop();
};

const worker = async () => {
  const runner = await start({ work: () => {} });
  process.once("message", async () => {
    await runner.stop();
    process.disconnect();
  });
  process.send("ready");
};

if (mode !== "publisher" && mode !== "worker") await runMigrations({ preset });
if (mode === "publisher") {
  parentPort.postMessage(await publish(workload));
} else if (mode === "publish") {
  await publish({ ...workload, messages: workload.warmup });
  emit({ per_second: await publish(workload) });
  await pool.query("truncate graphile_worker._private_jobs");
} else {
  await { end_to_end: endToEnd, backlog, latency, worker }[mode]();
}
await pool.end();
