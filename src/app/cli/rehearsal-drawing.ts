/** A rehearsal for people: the matrix of faults, and one of them moment by moment. */
import type { FaultResult } from '../../core/rehearsal/index.ts';
import type { Report } from './rehearse.ts';
import { duration, percent } from './words.ts';

const HEADINGS = ['fault', 'caught', 'after', 'hurt', 'most', 'then', 'ends', 'by'];

export function drawnRehearsal(report: Report, timeline: string | undefined): string {
  const { name, workload, seeds, results, remarks, broken } = report;
  const rates = Object.values(workload.groups).flatMap(({ requestsPerMinute = [] }) => requestsPerMinute);
  const rate =
    rates.length > 0 ? [...new Set(rates)].map(Math.round).join(' and ') : Math.round(workload.requestsPerMinute);
  const lines = [
    `${name}: ${seeds} ${seeds === 1 ? 'run' : 'runs'} of each fault, ${rate} requests a minute`,
    '',
    ...table([HEADINGS, ...results.map(cells)]),
  ];
  const lost = Math.max(0, ...results.map((result) => result.lost));
  if (lost > 0)
    lines.push('', `? up to ${lost} of ${seeds} runs failed by chance, in a build or at an approver, and are left out`);
  for (const remark of remarks) lines.push('', `? ${remark}`);
  const told = timeline === undefined ? undefined : results.find(({ fault }) => fault === timeline)?.example;
  if (told !== undefined) {
    lines.push('', `${told.fault}, seed ${told.seed}`);
    for (const { atMs, what } of told.timeline) lines.push(`  ${clockText(atMs)}  ${what}`);
    for (const { number, waits } of told.executions ?? [])
      for (const { stage, forMs } of waits) lines.push(`  push ${number} waited ${duration(forMs)} before ${stage}`);
    for (const [group, version] of Object.entries(told.serves ?? {}))
      lines.push(`  ${group} serves version ${version} at the end`);
  }
  if (broken.length > 0) lines.push('', ...broken.map((each) => `✗ ${each}`));
  return `${lines.join('\n')}\n`;
}

function cells(result: FaultResult): readonly string[] {
  const { fault, caught, runs, caughtAfterMs, hurt, goesOnPerMinute, ends, by = '' } = result;
  const goesOn = Math.round(goesOnPerMinute);
  return [
    fault,
    percent(caught / runs),
    caughtAfterMs === undefined ? '' : duration(caughtAfterMs),
    String(hurt.median),
    String(hurt.most),
    goesOn === 0 ? '' : `${goesOn}/min`,
    ends,
    by,
  ];
}

/** Columns as wide as what is in them. */
function table(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = HEADINGS.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) => `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd());
}

/** `12:05`, `1:04:30`, `7d 0:04:30` */
function clockText(ms: number): string {
  const seconds = Math.round(ms / 1000);
  const two = (value: number): string => String(value).padStart(2, '0');
  const days = Math.floor(seconds / 86_400);
  const hours = Math.floor((seconds % 86_400) / 3_600);
  const clock = `${two(Math.floor((seconds % 3_600) / 60))}:${two(seconds % 60)}`;
  const whole = days > 0 ? `${days}d ${hours}:${clock}` : hours > 0 ? `${hours}:${clock}` : clock;
  return whole.padStart(11);
}
