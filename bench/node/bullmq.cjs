// BullMQ with `pg`, driven by lines of JSON on standard input; each line is answered by one line.
//
//   {"do": "fill", "jobs": [sheet, …]}                              puts jobs on the queue
//   {"do": "drain", "mode": "rows" | "unnest", "concurrency": n}    one worker until the queue is empty: {"seconds"}
//   {"do": "registers", "mode": …, "jobs": [sheet, …]}              one after the other, the worker waiting: {"ms": […]}
//
// A sheet is {job_id, tenant_id, date, section_id, session_id, actor, records}. A job's marks and its row in the ledger
// commit together, the ledger's key making a redelivery harmless; the table's own trigger writes the audit.
'use strict';
const readline = require('node:readline');
const { Queue, Worker } = require('bullmq');
const { Pool } = require('pg');

const [redisSocket, postgresFolder, postgresPort, user, database] = process.argv.slice(2);
const NAME = 'marks';
const NIL = '00000000-0000-0000-0000-000000000000';
// BullMQ's guide asks for maxRetriesPerRequest null in workers.
const connection = { path: redisSocket, maxRetriesPerRequest: null };
const keep = { removeOnComplete: true };

const COLUMNS = `tenant_id, date, student_id, period_id, section_id, session_id, status, remarks, reason,
  marked_by, marked_role, marked_at, submitted_at, job_id`;
const NEWEST_WINS = `on conflict (tenant_id, date, student_id, period_id) do update set
  section_id = excluded.section_id, session_id = excluded.session_id, status = excluded.status,
  remarks = excluded.remarks, reason = excluded.reason, marked_by = excluded.marked_by,
  marked_role = excluded.marked_role, marked_at = excluded.marked_at, submitted_at = excluded.submitted_at,
  job_id = excluded.job_id, version = a.version + 1
  where a.submitted_at < excluded.submitted_at
    and (a.status, a.remarks) is distinct from (excluded.status, excluded.remarks)`;

// Named statements are parsed once a connection, as pg's documentation advises for what runs often.
const ONE_ROW = {
  name: 'one-mark',
  text: `insert into student_attendance as a (${COLUMNS})
    values ($1, $2, $3, '${NIL}', $4, $5, $6, $7, $8, $9, $10, $11, $11, $12) ${NEWEST_WINS}`,
};
const ALL_ROWS = {
  name: 'all-marks',
  text: `insert into student_attendance as a (${COLUMNS})
    select $1, $2, student_id, '${NIL}', $3, $4, status, remarks, $5, $6, $7, $8, $8, $9
    from unnest($10::uuid[], $11::attendance_status[], $12::text[]) as mark (student_id, status, remarks)
    ${NEWEST_WINS}`,
};
const LEDGER = {
  name: 'ledger',
  text: `insert into attendance_job
    (tenant_id, job_id, kind, state, total, applied, submitted_by, submitted_at, started_at, attempts_made)
    values ($1, $2, 'student', 'completed', $3, $4, $5, $6, $7, 1)`,
};

async function rowByRow(client, sheet, at) {
  let applied = 0;
  for (const mark of sheet.records) {
    const done = await client.query({ ...ONE_ROW, values: [
      sheet.tenant_id, sheet.date, mark.student_id, sheet.section_id, sheet.session_id, mark.status,
      mark.remarks ?? null, sheet.reason, sheet.actor.id, sheet.actor.role, at, sheet.job_id] });
    applied += done.rowCount;
  }
  return applied;
}

async function byUnnest(client, sheet, at) {
  const marks = sheet.records;
  const done = await client.query({ ...ALL_ROWS, values: [
    sheet.tenant_id, sheet.date, sheet.section_id, sheet.session_id, sheet.reason, sheet.actor.id, sheet.actor.role,
    at, sheet.job_id, marks.map((m) => m.student_id), marks.map((m) => m.status), marks.map((m) => m.remarks ?? null)] });
  return done.rowCount;
}

const WRITERS = { rows: rowByRow, unnest: byUnnest };

function makeProcessor(pool, mode) {
  const write = WRITERS[mode];
  return async (job) => {
    const client = await pool.connect();
    try {
      const started = new Date();
      await client.query('begin');
      const sheet = job.data;
      const at = new Date(job.timestamp);
      const applied = await write(client, sheet, at);
      await client.query({ ...LEDGER, values: [
        sheet.tenant_id, sheet.job_id, sheet.records.length, applied, sheet.actor.id, at, started] });
      await client.query('commit');
      return { applied };
    } catch (error) {
      await client.query('rollback');
      if (error.code === '23505') return { repeated: true };
      throw error;
    } finally {
      client.release();
    }
  };
}

async function withWorker(mode, concurrency, use) {
  const pool = new Pool({ host: postgresFolder, port: Number(postgresPort), user, database, max: concurrency });
  const worker = new Worker(NAME, makeProcessor(pool, mode), { connection, concurrency, autorun: false });
  try {
    await worker.waitUntilReady();
    // Connections come up before the clock runs.
    await Promise.all(Array.from({ length: concurrency }, () => pool.query('select pg_sleep(0.01)')));
    return await use(worker);
  } finally {
    await worker.close();
    await pool.end();
  }
}

async function main() {
  const queue = new Queue(NAME, { connection, defaultJobOptions: keep });
  await queue.waitUntilReady();
  let waiting = 0;

  const commands = {
    async fill({ jobs }) {
      await queue.addBulk(jobs.map((data) => ({ name: 'mark', data, opts: { jobId: data.job_id } })));
      waiting += jobs.length;
      return { waiting };
    },
    drain: ({ mode, concurrency }) => withWorker(mode, concurrency, (worker) => new Promise((resolve, reject) => {
      let started;
      worker.on('completed', () => {
        waiting -= 1;
        if (waiting === 0) resolve({ seconds: (performance.now() - started) / 1000 });
      });
      worker.on('failed', (_, error) => reject(error));
      worker.on('error', reject);
      started = performance.now();
      worker.run();
    })),
    registers: ({ mode, jobs }) => withWorker(mode, 1, async (worker) => {
      let arrived;
      worker.on('completed', () => arrived.resolve());
      worker.on('failed', (_, error) => arrived.reject(error));
      worker.run();
      const ms = [];
      for (const data of jobs) {
        const completed = new Promise((resolve, reject) => { arrived = { resolve, reject }; });
        const sent = performance.now();
        await queue.add('mark', data, { jobId: data.job_id });
        await completed;
        ms.push(performance.now() - sent);
        // The worker goes back to wait, as it would between two teachers.
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      return { ms };
    }),
  };

  for await (const line of readline.createInterface({ input: process.stdin })) {
    const command = JSON.parse(line);
    let answer;
    try {
      answer = await commands[command.do](command);
    } catch (error) {
      answer = { error: String(error.stack || error) };
    }
    process.stdout.write(`${JSON.stringify(answer)}\n`);
  }
  await queue.close();
}

main();
