// Publishes beside the worker's thread, as a service beside a worker would: a peer gets both cores.
import { Worker } from "node:worker_threads";

/** Resolves when the thread has published everything. */
export const publishInThread = (script, workload) =>
  new Promise((resolve, reject) => {
    const thread = new Worker(script, { argv: [JSON.stringify({ ...workload, mode: "publisher" })] });
    thread.once("message", resolve);
    thread.once("error", reject);
    thread.once("exit", (code) => reject(new Error(`The publisher's thread ended with ${code}.`)));
  });
