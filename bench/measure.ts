/** How the bench measures and what it prints. */
import { readFileSync } from 'node:fs';
import { arch, cpus, platform, totalmem } from 'node:os';

export type Row = Readonly<{
  name: string;
  unit: string;
  p50?: number;
  p99?: number;
  value?: number;
  target?: string;
  note?: string;
}>;

export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN;
}

export function spread(values: readonly number[]): Readonly<{ p50: number; p99: number }> {
  return { p50: quantile(values, 0.5), p99: quantile(values, 0.99) };
}

export function machine(): string {
  const [cpu] = cpus();
  return `${platform()} ${arch()}, ${cpus().length} × ${cpu?.model.trim() ?? 'unknown'}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.versions.node}`;
}

export function print(rows: readonly Row[]): string {
  const number = (value: number | undefined): string =>
    value === undefined ? '' : value >= 100 ? value.toFixed(0) : value.toPrecision(3);
  const cells = rows.map((row) => [
    row.name,
    number(row.value),
    number(row.p50),
    number(row.p99),
    row.unit,
    row.target ?? '',
    row.note ?? '',
  ]);
  const head = ['what', 'value', 'p50', 'p99', 'unit', 'target', 'note'];
  const widths = head.map((title, column) => Math.max(title.length, ...cells.map((cell) => cell[column]?.length ?? 0)));
  return [head, ...cells]
    .map((cell) =>
      cell
        .map((text, column) => text.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** Proportional resident memory of processes, MiB; undefined where the kernel does not tell. */
export function memoryMiB(pids: readonly number[]): number | undefined {
  try {
    let kib = 0;
    for (const pid of pids)
      kib += Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0);
    return kib / 1024;
  } catch {
    return undefined;
  }
}

/** A process and all its descendants. */
export function family(pid: number): number[] {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
      .trim()
      .split(/\s+/)
      .filter((text) => text !== '')
      .map(Number);
    return [pid, ...children.flatMap(family)];
  } catch {
    return [pid];
  }
}

/** Processor time that a process has had so far, ms (to 10 ms); undefined where the kernel does not tell. */
export function cpuTimeMs(pid: number): number | undefined {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    return (Number(fields[11]) + Number(fields[12])) * 10;
  } catch {
    return undefined;
  }
}
