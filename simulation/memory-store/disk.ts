/**
 * The durable state of one simulated database. It survives every process (`connect`, index.ts): what a process had
 * committed is here, what it had not is gone with it.
 */
import { Locks } from './locks.ts';
import {
  type AuditRow,
  type CounterRow,
  type DocumentRow,
  type HistoryRow,
  keyText,
  type LogEventRow,
  type MetricPointRow,
  type MetricSeriesRow,
  type ObjectRow,
  type OutboxRow,
  type QueueMessageRow,
  type TimerRow,
} from './rows.ts';
import type { Change } from './session.ts';
import { compareBytes } from './bytes.ts';
import { Grouped, Sorted, SortedGroups, Table } from './table.ts';

export class MemoryDisk {
  readonly locks = new Locks();
  readonly tables: Table<any>[] = [];
  readonly #watchers: ((changes: readonly Change[]) => void)[] = [];

  readonly documentsByList = new SortedGroups<DocumentRow>(
    (row) => row.kind,
    (row) => keyText(row.account, row.region, row.parent, ''),
    (a, b) => compareBytes(a.sort, b.sort) || compareBytes(a.id, b.id) || compareBytes(keyOf(a), keyOf(b)),
  );
  readonly documents = this.#table<DocumentRow>('documents', keyOf, [this.documentsByList]);

  readonly counters = this.#table<CounterRow>('counters', (row) => row.name);

  readonly outboxByDocument = new Grouped<OutboxRow>(documentOf);
  readonly outbox = this.#table<OutboxRow>('outbox', (row) => String(row.id), [this.outboxByDocument]);

  readonly timersByDue = new Sorted<TimerRow>((a, b) => a.due_at - b.due_at || compareBytes(timerKey(a), timerKey(b)));
  readonly timersByDocument = new Grouped<TimerRow>(documentOf);
  readonly timersByWakeKey = new Grouped<TimerRow>((row) => row.wake_key ?? undefined);
  readonly timers = this.#table<TimerRow>('timers', timerKey, [
    this.timersByDue,
    this.timersByDocument,
    this.timersByWakeKey,
  ]);

  readonly historyByDocument = new Grouped<HistoryRow>(documentOf);
  readonly history = this.#table<HistoryRow>('history', (row) => `${documentOf(row)}\n${row.version}`, [
    this.historyByDocument,
  ]);

  readonly objectsByKey = new SortedGroups<ObjectRow>(
    (row) => row.bucket,
    () => '',
    (a, b) => compareBytes(a.key, b.key) || b.sequence - a.sequence,
  );
  readonly objects = this.#table<ObjectRow>('objects', (row) => `${row.bucket}\n${row.version_id}\n${row.key}`, [
    this.objectsByKey,
  ]);

  readonly auditByRequest = new Grouped<AuditRow>((row) => row.request_id);
  readonly audit = this.#table<AuditRow>('audit', (row) => String(row.id), [this.auditByRequest]);

  readonly metricSeriesById = new Grouped<MetricSeriesRow>((row) => String(row.id));
  readonly metricSeries = this.#table<MetricSeriesRow>('metric_series', (row) => row.identity, [this.metricSeriesById]);
  readonly metricPointsBySeries = new SortedGroups<MetricPointRow>(
    (row) => String(row.series_id),
    () => '',
    (a, b) => a.at - b.at || compareBytes(metricPointKey(a), metricPointKey(b)),
  );
  readonly metricPoints = this.#table<MetricPointRow>('metric_points', metricPointKey, [this.metricPointsBySeries]);

  readonly logEventsByGroup = new SortedGroups<LogEventRow>(
    (row) => row.log_group,
    () => '',
    (a, b) => a.at - b.at || a.id - b.id,
  );
  readonly logEvents = this.#table<LogEventRow>('log_events', (row) => String(row.id), [this.logEventsByGroup]);

  readonly queueMessagesByQueue = new Grouped<QueueMessageRow>((row) => row.queue);
  readonly queueMessages = this.#table<QueueMessageRow>('queue_messages', (row) => String(row.id), [
    this.queueMessagesByQueue,
  ]);

  /** Calls back at each commit with what it changed, in the moment in which it becomes true. */
  watch(watcher: (changes: readonly Change[]) => void): void {
    this.#watchers.push(watcher);
  }

  get isWatched(): boolean {
    return this.#watchers.length > 0;
  }

  tell(changes: readonly Change[]): void {
    for (const watcher of this.#watchers) watcher(changes);
  }

  #table<R>(
    name: string,
    keyOf: (row: R) => string,
    indexes: ConstructorParameters<typeof Table<R>>[3] = [],
  ): Table<R> {
    const table = new Table<R>(name, this.tables.length, keyOf, indexes);
    this.tables.push(table);
    return table;
  }
}

function keyOf(row: DocumentRow): string {
  return keyText(row.kind, row.account, row.region, row.id);
}

function documentOf(row: Readonly<{ kind: string; account: string; region: string; document_id: string }>): string {
  return keyText(row.kind, row.account, row.region, row.document_id);
}

export function timerKey(
  row: Readonly<{ kind: string; account: string; region: string; document_id: string; name: string }>,
): string {
  return `${documentOf(row)}\n${row.name}`;
}

export function metricPointKey(
  row: Readonly<{ series_id: number; at: number; unit: string; resolution: number; chunk: number }>,
): string {
  return `${row.series_id}\n${row.at}\n${row.unit}\n${row.resolution}\n${row.chunk}`;
}
