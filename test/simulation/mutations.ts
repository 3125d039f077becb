/**
 * What the mutation check breaks, one at a time: each mutation is a way in which Sluice could be wrong, put in front of the
 * real deciders, performers, stores or the world outside, and names the invariants that it must break. A checker that never
 * fails is no checker (issue "Proven before it ships", 4).
 */
import { createDeployment } from '../../simulation/loops/deployment-loop.ts';
import { type Deployment, DEPLOYMENT, deployments, keyOf, LINE, lines } from '../../simulation/loops/records.ts';
import type { GroupPlan } from '../../simulation/loops/scenario.ts';
import { isLive, type Execution, type PipelineLine } from '../../src/core/pipeline-execution/index.ts';
import type { Queryable, Row } from '../../src/store/store.ts';
import { judgeMutations } from './judge-mutations.ts';
import { afterwards, asIf, deciding, everyExecution, type Mutation, over, performing, stating } from './sabotage.ts';

/** One process, deployments without alarms: whether anything ever ends is soon told. */
const QUIET = [13, 16, 20, 60, 111];
/** A share of the requests is on a version that is to go, and the one to return to is found gone, or failing. */
const RETURNING = [5, 41, 91];
/** An artifact is written over between the action that made it and the one that takes it. */
const OVERWRITTEN = { deployed: [374, 322, 315, 387], built: [193, 367] };
const ENDED: ReadonlySet<string> = new Set(['Succeeded', 'Failed', 'Stopped', 'Superseded']);

export const mutations: readonly Mutation[] = [
  {
    name: 'two executions are let into a stage',
    breaks: ['stage lock'],
    sabotage: asIf('PARALLEL', (own) => own === 'SUPERSEDED'),
  },
  {
    name: 'in QUEUED mode the newest goes first',
    breaks: ['queue order'],
    seeds: [19, 24, 6],
    sabotage: deciding(LINE, (decide) => (line: PipelineLine, event, now) => {
      const decision = decide({ ...line, executions: line.executions.toReversed() }, event, now);
      const executions = decision.state.executions.toSorted((a: Execution, b: Execution) => a.ordinal - b.ordinal);
      return { ...decision, state: { ...decision.state, executions } };
    }),
  },
  {
    name: 'who is inside a stage is superseded too',
    breaks: ['superseded'],
    sabotage: afterwards((line, before) =>
      line.lastOrdinal === before.lastOrdinal
        ? line
        : everyExecution(line, (execution) =>
            isLive(execution) && execution.ordinal < line.lastOrdinal
              ? { ...execution, status: 'Superseded' }
              : execution,
          ),
    ),
  },
  {
    name: 'what has ended is taken up again',
    breaks: ['final'],
    sabotage: afterwards((line, before) =>
      everyExecution(line, (execution) =>
        ENDED.has(before.executions.find(({ id }) => id === execution.id)?.status ?? '')
          ? { ...execution, status: 'InProgress' }
          : execution,
      ),
    ),
  },
  {
    name: 'executions leave the line and are not archived',
    breaks: ['acknowledged'],
    sabotage: stating('INSERT INTO documents', async (ask, sql, parameters) =>
      parameters[0] === 'codepipeline.execution' ? [] : ask(sql, parameters),
    ),
  },
  {
    name: 'a commit is acknowledged before it is durable',
    breaks: ['acknowledged', 'effect', 'liveness'],
    sabotage: {
      store: (store, process) => ({
        ...over(
          store,
          (sql, parameters) => store.query(sql, parameters),
          (tx) => tx,
        ),
        transaction: (work) =>
          new Promise((resolve, reject) => {
            store
              .transaction(async (tx) => {
                const callbacks: (() => void)[] = [];
                const result = await work({ ...tx, afterCommit: (callback) => void callbacks.push(callback) });
                for (const callback of callbacks) callback();
                resolve(result);
                await process.world.scheduler.wait({ process: process.name, label: 'not yet', afterMs: 300 });
                return result;
              })
              .catch(reject);
          }),
      }),
    },
  },
  {
    name: 'the cause of a decision is not consumed',
    breaks: ['liveness'],
    seeds: QUIET,
    sabotage: stating('DELETE FROM outbox WHERE id = ANY', async (ask, sql, [ids]) => {
      const kept = (ids as string[]).filter((id) => Number(id) % 10 === 0).map((id) => ({ id: String(id) }));
      return [...kept, ...(await ask(sql, [(ids as string[]).filter((id) => Number(id) % 10 !== 0)]))];
    }),
  },
  {
    name: 'timers are not saved',
    breaks: ['liveness'],
    seeds: QUIET,
    sabotage: stating('INSERT INTO timers', async () => []),
  },
  {
    name: 'an effect is dropped',
    breaks: ['liveness'],
    seeds: QUIET,
    sabotage: performing(DEPLOYMENT, 'SetTraffic', async () => undefined),
  },
  {
    name: 'one effect more is forgotten than was performed',
    breaks: ['effect', 'liveness'],
    sabotage: stating('DELETE FROM outbox WHERE id = ANY', (ask, sql, [ids]) =>
      ask(sql, [[...(ids as string[]), ...(ids as string[]).map((id) => String(Number(id) + 1))]]),
    ),
  },
  {
    name: 'a process takes over what another one that lives holds',
    breaks: ['lease'],
    sabotage: {
      store: (store) => {
        /** What the leases are in truth: a takeover names them. */
        const truth = new Map<unknown, unknown>();
        const query =
          (q: Queryable): Queryable['query'] =>
          async <R extends Row>(sql: string, parameters: readonly unknown[] = []) => {
            if (sql.startsWith('UPDATE outbox SET owner = k.owner')) {
              const [ids, ...given] = parameters as readonly unknown[][];
              return q.query<R>(sql, [ids, ...given.slice(0, 3), ids?.map((id) => truth.get(id))]);
            }
            const rows = await q.query<R>(sql, parameters);
            if (!/^SELECT .*min.lease_until|^SELECT id.*lease_until/s.test(sql)) return rows;
            for (const { id, lease_until: until } of rows) truth.set(id, until);
            return rows.map((row) => ({ ...row, lease_until: 0 }));
          };
        return over(store, query(store), (tx) => ({ ...tx, query: query(tx) }));
      },
    },
  },
  {
    name: 'the shares of both versions are swapped',
    breaks: ['weights', 'final weights'],
    sabotage: {
      outside: (outside) => {
        const update = outside.updateAlias.bind(outside);
        outside.updateAlias = (group, { main, extra }, ...rest) =>
          update(
            group,
            extra === undefined
              ? { main }
              : { main: extra.version, extra: { version: main, weightPercent: extra.weightPercent } },
            ...rest,
          );
      },
    },
  },
  {
    name: 'a share is out of range',
    breaks: ['weights'],
    sabotage: {
      outside: (outside) => {
        const update = outside.updateAlias.bind(outside);
        outside.updateAlias = (group, { main, extra }, ...rest) =>
          update(
            group,
            extra === undefined ? { main } : { main, extra: { ...extra, weightPercent: extra.weightPercent * 10 } },
            ...rest,
          );
      },
    },
  },
  {
    name: 'a return leaves a share behind',
    breaks: ['final weights', 'weights'],
    seeds: [60, 49, 19, 6],
    sabotage: performing(DEPLOYMENT, 'SetTraffic', async ({ effect, again, context, process }) => {
      const result = await again();
      const { target, info } =
        (await deployments.get(process.store, keyOf(context.key.id)))?.document ?? ({} as Deployment);
      if (effect.weightPercent === 0 && result?.type === 'TrafficSet' && target !== undefined) {
        const extra = { version: target.targetVersion, weightPercent: 5 };
        process.world.outside.updateAlias(info.group, { main: target.currentVersion, extra }, context.key.id);
      }
      return result;
    }),
  },
  {
    name: 'a share is set once more when the deployment is over',
    breaks: ['dead traffic'],
    seeds: [13, 14, 41, 49],
    sabotage: performing(DEPLOYMENT, 'SetTraffic', async ({ again, context, process }) => {
      const { world } = process;
      const group = (await deployments.get(process.store, keyOf(context.key.id)))?.document.info.group;
      const result = await again();
      const run = (): void => {
        if (group === undefined) return;
        const { revisionId: _old, ...alias } = world.outside.alias(group);
        world.outside.updateAlias(group, alias, context.key.id);
      };
      world.scheduler.offer({ label: 'a late request', afterMs: 20 * 60_000, run });
      return result;
    }),
  },
  {
    name: 'a bake ends before its time',
    breaks: ['bake'],
    seeds: [5, 6],
    sabotage: deciding(DEPLOYMENT, (decide) => (state: Deployment, event, now) => {
      if (state.phase.name !== 'Baking' || event.type === 'TimerFired') return decide(state, event, now);
      return decide(state, { type: 'TimerFired', timer: 'shift' }, state.phase.nextAt);
    }),
  },
  {
    name: 'a deployment succeeds in spite of its alarm',
    breaks: ['alarm'],
    seeds: [6, 10, 12, 32],
    sabotage: performing(DEPLOYMENT, 'ReadAlarms', async ({ again }) => ({ ...(await again()), raised: [] })),
  },
  {
    name: 'traffic returns without regard to what was seen',
    breaks: ['availability'],
    seeds: RETURNING,
    sabotage: deciding(DEPLOYMENT, (decide) => (state, event, now) => {
      if (event.type !== 'OriginalRead') return decide(state, event, now);
      const { reservedConcurrency: _, ...seen } = event.original;
      return decide(state, { ...event, original: { ...seen, exists: true, state: 'Active', minutes: [] } }, now);
    }),
  },
  {
    name: 'a deployment that has ended goes on',
    breaks: ['final'],
    sabotage: {
      loop: (loop) =>
        loop.kind !== DEPLOYMENT
          ? loop
          : {
              ...loop,
              isFinal: () => false,
              decide: (state: Deployment, event, now) =>
                state.phase.name === 'Ended'
                  ? { state: { ...state, checks: state.checks + 1 }, effects: [] }
                  : loop.decide(state, event, now),
            },
    },
  },
  {
    name: 'an effect is performed twice, without a key',
    breaks: ['once'],
    sabotage: {
      ...performing(LINE, 'StartAction', async ({ again }) => {
        await again();
        return again();
      }),
      ...stating(
        'SELECT account, region, id, parent, sort, version, document FROM documents',
        async (ask, sql, parameters) => (parameters[0] === 'codebuild.start-token' ? [] : ask(sql, parameters)),
      ),
    },
  },
  {
    name: "another execution's artifact is delivered",
    breaks: ['artifact'],
    sabotage: afterwards((line, before) =>
      everyExecution(line, (execution) => {
        const known = before.executions.find(({ id }) => id === execution.id)?.actions.length ?? 0;
        return {
          ...execution,
          actions: execution.actions.map((action, index) => {
            if (index < known || action.inputs.length === 0) return action;
            const others = line.executions.filter(({ id }) => id !== execution.id).flatMap(({ actions }) => actions);
            const inputs = action.inputs.map(
              (input) => others.flatMap(({ outputs }) => outputs).find(({ name }) => name === input.name) ?? input,
            );
            return { ...action, inputs };
          }),
        };
      }),
    ),
  },
  ...(['deployed', 'built'] as const).map((used): Mutation => ({
    name: `the bytes of an artifact are not checked before they are ${used}`,
    breaks: ['artifact'],
    seeds: OVERWRITTEN[used],
    sabotage: { outside: (outside) => (outside.isUnchanged = () => true) },
  })),
  {
    name: 'what was superseded starts an action of a later stage',
    breaks: ['superseded'],
    sabotage: deciding(LINE, (decide) => (line: PipelineLine, event, now) => {
      const decision = decide(line, event, now);
      const left = line.executions.find(({ status, stageIndex }) => status === 'Superseded' && stageIndex > 0);
      if (event.type !== 'ExecutionsArchived' || left === undefined) return decision;
      // It stays in the line, and goes on as if nobody else were there.
      const alone = { ...line, executions: [{ ...left, status: 'InProgress' }] };
      const opened = { type: 'TransitionChanged', stage: 'Source', direction: 'Inbound', enabled: true, changedBy: '' };
      const gone = decide(alone, opened, now);
      const executions = line.executions.map((execution: Execution) =>
        execution === left ? { ...gone.state.executions[0], status: 'Superseded' } : execution,
      );
      return { state: { ...line, executions }, effects: gone.effects };
    }),
  },
  {
    name: 'what was superseded is deployed',
    breaks: ['superseded'],
    sabotage: performing(LINE, 'ArchiveExecutions', async ({ again, context, process }) => {
      const line = (await lines.get(process.store, context.key))?.document;
      for (const execution of line?.executions ?? []) {
        const made = execution.actions.findLast(({ outputs }) => outputs.length > 0);
        const revision = made?.outputs[0];
        if (execution.status !== 'Superseded' || made === undefined || revision === undefined) continue;
        const description = `CodePipeline ${context.key.id}, action execution ${made.id}`;
        const { name: group } = process.world.scenario.groups[0] as GroupPlan;
        await createDeployment(process, { group, revision, description, clientToken: made.id }).catch(() => {});
      }
      return again();
    }),
  },
  ...judgeMutations,
];
