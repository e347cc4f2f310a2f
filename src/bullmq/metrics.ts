/** Metrics through the API of OpenTelemetry, where it is installed. Without an SDK it does nothing. */
import type { Meter } from '@opentelemetry/api';
import type { SandboxJobResult } from './job.js';

export interface JobMetrics {
  started(): void;
  /** @param outcome of the program, or the class of the error */
  ended(outcome: string, result?: SandboxJobResult): void;
}

const none: JobMetrics = { started() {}, ended() {} };

/** @param given a meter; or whether to look for one */
export async function openMetrics(
  given: Meter | boolean | undefined,
  queue: string,
): Promise<JobMetrics> {
  const meter = typeof given === 'object' ? given : given === false ? undefined : await global();
  if (meter === undefined) return none;
  const labels = { 'messaging.destination.name': queue };
  const jobs = meter.createCounter('wasbox.jobs', {
    description: 'Jobs that ended, by outcome',
    unit: '{job}',
  });
  const running = meter.createUpDownCounter('wasbox.jobs.running', {
    description: 'Jobs that run now',
    unit: '{job}',
  });
  const duration = meter.createHistogram('wasbox.job.duration', {
    description: 'Wall time of the program',
    unit: 's',
  });
  const cpu = meter.createHistogram('wasbox.job.cpu.time', {
    description: 'Processor time of the program',
    unit: 's',
  });
  const output = meter.createCounter('wasbox.job.output', {
    description: 'Output of programs',
    unit: 'By',
  });
  return {
    started: () => running.add(1, labels),
    ended: (outcome, result) => {
      running.add(-1, labels);
      const how = { ...labels, outcome };
      jobs.add(1, how);
      if (result === undefined) return;
      duration.record(result.durationMs / 1000, how);
      cpu.record(result.cpuMs / 1000, how);
      output.add(result.stdoutBytes + result.stderrBytes, labels);
    },
  };
}

async function global(): Promise<Meter | undefined> {
  try {
    const { metrics } = await import('@opentelemetry/api');
    return metrics.getMeter('wasbox');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND') return undefined;
    throw error;
  }
}
