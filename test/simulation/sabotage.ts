/** Ways to put something in between: in front of the deciders, performers, statements of the world of loops. */
import type { AnyLoop, Sabotage } from '../../simulation/loops/world.ts';
import type { MemoryStore } from '../../simulation/memory-store/index.ts';
import { LINE } from '../../simulation/loops/records.ts';
import type { Process } from '../../simulation/loops/process.ts';
import type { Execution, ExecutionMode, PipelineLine } from '../../src/core/pipeline-execution/index.ts';
import type { Queryable, Row, Tx } from '../../src/store/store.ts';

export type Mutation = Readonly<{
  name: string;
  /** Any of them may be broken first: one wrong step leads to another. */
  breaks: readonly string[];
  /** Of worlds in which what is broken is needed: the first of all to be tried. Absent: 1, 2, 3, ... */
  seeds?: readonly number[];
  sabotage: Sabotage;
}>;

type Performed = Readonly<{ effect: any; context: any; again: () => Promise<any>; process: Process }>;

/** In front of the performer of one loop's effects of one type. */
export function performing(kind: string, type: string, instead: (performed: Performed) => Promise<unknown>): Sabotage {
  return {
    loop: (loop, process) =>
      loop.kind !== kind
        ? loop
        : {
            ...loop,
            perform: (effect, context) =>
              effect.type === type
                ? instead({ effect, context, again: () => loop.perform(effect, context) as Promise<any>, process })
                : loop.perform(effect, context),
          },
  };
}

/** In front of the decider of one loop. */
export function deciding(kind: string, wrap: (decide: AnyLoop['decide']) => AnyLoop['decide']): Sabotage {
  return { loop: (loop) => (loop.kind === kind ? { ...loop, decide: wrap(loop.decide.bind(loop)) } : loop) };
}

/** Of the decisions about lines, what becomes of the line. */
export function afterwards(change: (line: PipelineLine, before: PipelineLine) => PipelineLine): Sabotage {
  return deciding(LINE, (decide) => (state, event, now) => {
    const decision = decide(state, event, now);
    return { ...decision, state: change(decision.state, state) };
  });
}

type Ask = <R extends Row>(sql: string, parameters: readonly unknown[]) => Promise<R[]>;

/** In front of the statements that begin so. */
export function stating(
  begins: string,
  instead: (ask: Ask, sql: string, parameters: readonly unknown[]) => Promise<Row[]>,
): Sabotage {
  const query =
    (q: Queryable): Queryable['query'] =>
    <R extends Row>(sql: string, parameters: readonly unknown[] = []) =>
      sql.startsWith(begins)
        ? (instead((text, values) => q.query(text, values), sql, parameters) as Promise<R[]>)
        : q.query<R>(sql, parameters);
  return { store: (store) => over(store, query(store), (tx) => ({ ...tx, query: query(tx) })) };
}

export function over(store: MemoryStore, query: Queryable['query'], wrap: (tx: Tx) => Tx): MemoryStore {
  return {
    kind: store.kind,
    query,
    transaction: (work) => store.transaction((tx) => work(wrap(tx))),
    close: () => store.close(),
    die: () => store.die(),
  };
}

/** As if every pipeline were of this mode while a decision is taken. */
export function asIf(mode: ExecutionMode, where: (own: ExecutionMode) => boolean): Sabotage {
  const change = (line: PipelineLine, of: (version: string, own: ExecutionMode) => ExecutionMode): PipelineLine => ({
    ...line,
    plans: Object.fromEntries(
      Object.entries(line.plans).map(([version, plan]) => [version, { ...plan, mode: of(version, plan.mode) }]),
    ),
  });
  return deciding(LINE, (decide) => (line: PipelineLine, event, now) => {
    if (event.type === 'DefinitionChanged') return decide(line, event, now);
    const decision = decide(
      change(line, (_version, own) => (where(own) ? mode : own)),
      event,
      now,
    );
    const state = change(decision.state, (version, own) => line.plans[version]?.mode ?? own);
    return { ...decision, state };
  });
}

export function everyExecution(line: PipelineLine, change: (execution: Execution) => Execution): PipelineLine {
  return { ...line, executions: line.executions.map(change) };
}
