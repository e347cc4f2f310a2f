/** Tests what is recorded of a run, which errors are tried again, and what the metrics say. */
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { describe, expect, it } from 'vitest';
import { classOf, failureText } from '../../../src/bullmq/failure.js';
import type { JobProgress, SandboxJobResult } from '../../../src/bullmq/job.js';
import { openMetrics } from '../../../src/bullmq/metrics.js';
import { toJobResult } from '../../../src/bullmq/result.js';
import { OutputStream } from '../../../src/bullmq/stream.js';
import {
  AbortError,
  LaunchError,
  RunError,
  type RunResult,
  SupportError,
  UsageError,
} from '../../../src/index.js';

const attempt = { attempt: 1, worker: 'w', stdoutBytes: 0, stderrBytes: 0 } as const;

function ended(out: Uint8Array, err: Uint8Array): RunResult {
  return {
    ...{ outcome: 'exited', exitCode: 0, signal: undefined, truncated: false, durationMs: 1 },
    ...{ stdoutBytes: out, stderrBytes: err },
    report: { usage: { cpuMs: 1, memoryBytes: 1 }, outcome: {}, filler: 'r'.repeat(1000) },
  } as unknown as RunResult;
}

const bytes = (result: SandboxJobResult): number => Buffer.byteLength(JSON.stringify(result));
const most = { maxResultBytes: 5000, report: true };

describe('a result', () => {
  it.each([
    ['control characters, which JSON writes with six', 0],
    ['quotes, which JSON writes with two', 0x22],
    ['letters', 0x61],
    ['what is not UTF-8', 0xff],
  ])('has its bound for %s', (_, byte) => {
    for (const encoding of ['utf8', 'base64'] as const) {
      const flood = new Uint8Array(100_000).fill(byte);
      const short = Buffer.from('short');
      const result = toJobResult(ended(flood, short), { ...attempt, encoding }, most);
      expect(bytes(result)).toBeLessThanOrEqual(most.maxResultBytes);
      expect(bytes(result)).toBeGreaterThan(most.maxResultBytes - 20);
      expect(result).toMatchObject({ truncated: true, stderr: short.toString(encoding) });
      expect(result.report).toBeUndefined();
    }
  });

  it('has both streams, and the report where it fits', () => {
    const one = toJobResult(
      ended(Buffer.from('a'), Buffer.from('b')),
      { ...attempt, encoding: 'utf8' },
      most,
    );
    expect(one).toMatchObject({ stdout: 'a', stderr: 'b', truncated: false });
    expect(one.report).toBeDefined();
    const both = new Uint8Array(100_000).fill(0x61);
    const two = toJobResult(ended(both, both), { ...attempt, encoding: 'utf8' }, most);
    expect(Math.abs(two.stdout.length - two.stderr.length)).toBeLessThan(2);
  });

  it('is cut between characters', () => {
    const text = '😀'.repeat(5000);
    const { stdout } = toJobResult(
      ended(Buffer.from(text), Buffer.from('')),
      { ...attempt, encoding: 'utf8' },
      most,
    );
    expect(text.startsWith(stdout)).toBe(true);
    expect(Buffer.from(stdout).toString()).toBe(stdout);
  });
});

it('errors of the job are not tried again, those of the machine are', () => {
  expect(classOf(new UsageError('ERR_JOB', 'x'))).toBe('job');
  expect(classOf(new UsageError('ERR_OPTION_VALUE', 'x'))).toBe('job');
  expect(classOf(new LaunchError('ERR_EXEC', 'x'))).toBe('job');
  expect(classOf(new UsageError('ERR_NO_INTERPRETER', 'x'))).toBe('worker');
  expect(classOf(new LaunchError('ERR_SETUP', 'x'))).toBe('worker');
  expect(classOf(new LaunchError('ERR_DESCRIPTORS', 'x'))).toBe('worker');
  expect(classOf(new SupportError('ERR_USERNS', 'x'))).toBe('worker');
  expect(classOf(new RunError('ERR_INIT_DIED', 'x'))).toBe('worker');
  expect(classOf(Object.assign(new Error('x'), { code: 'ENOSPC' }))).toBe('worker');
  expect(classOf(new AbortError('x'))).toBe('ended');
  expect(failureText(new LaunchError('ERR_SETUP', 'no', { hint: 'Do.' }))).toBe(
    'ERR_SETUP: no. Do.',
  );
});

it('output is sent in order, bounded, and never waited for', async () => {
  const sent: JobProgress[] = [];
  const stream = new OutputStream({
    ...{ attempt: 2, encoding: 'utf8', pieces: true, maxBytes: 10 },
    send: async (progress) => sent.push(progress),
  });
  stream.write('stdout', Buffer.from('é').subarray(0, 1));
  stream.write('stdout', Buffer.from('é').subarray(1));
  stream.write('stderr', Buffer.from('no'));
  stream.write('stdout', Buffer.from('0123456789'));
  await stream.end();
  expect(sent).toEqual([
    {
      ...{ attempt: 2, sequence: 1, stdoutBytes: 12, stderrBytes: 2 },
      pieces: [
        { stream: 'stdout', text: 'é' },
        { stream: 'stderr', text: 'no' },
        { stream: 'stdout', text: '01234567' },
      ],
    },
  ]);
  const broken = new OutputStream({
    ...{ attempt: 1, encoding: 'utf8', pieces: true, maxBytes: 10 },
    send: () => Promise.reject(new Error('the server is away')),
  });
  broken.write('stdout', Buffer.from('x'));
  await broken.end();
});

it('metrics count jobs and measure programs', async () => {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 1e8 });
  const provider = new MeterProvider({ readers: [reader] });
  const metrics = await openMetrics(provider.getMeter('test'), 'jobs');
  const result = { durationMs: 2000, cpuMs: 500, stdoutBytes: 3, stderrBytes: 4 };
  metrics.started();
  metrics.started();
  metrics.started();
  metrics.ended('exited', result as SandboxJobResult);
  metrics.ended('job');
  await provider.forceFlush();
  const found = Object.fromEntries(
    exporter
      .getMetrics()
      .flatMap(({ scopeMetrics }) => scopeMetrics)
      .flatMap((scope) => scope.metrics)
      .map(({ descriptor, dataPoints }) => [
        descriptor.name,
        dataPoints.map(({ attributes, value }) => [
          attributes.outcome,
          typeof value === 'number' ? value : value.sum,
        ]),
      ]),
  );
  expect(found).toEqual({
    'wasbox.jobs': [
      ['exited', 1],
      ['job', 1],
    ],
    'wasbox.jobs.running': [[undefined, 1]],
    'wasbox.job.duration': [['exited', 2]],
    'wasbox.job.cpu.time': [['exited', 0.5]],
    'wasbox.job.output': [[undefined, 7]],
  });
  await provider.shutdown();
});
