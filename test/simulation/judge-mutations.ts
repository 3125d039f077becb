/** What the mutation check breaks of the judge: of requests that are counted, evidence that is heard, and what follows from it. */
import { type Deployment, DEPLOYMENT } from '../../simulation/loops/records.ts';
import type { Sabotage } from '../../simulation/loops/world.ts';
import type { JudgeSettings } from '../../src/core/judge/index.ts';
import type { DeploymentEvent } from '../../src/core/lambda-deployment/index.ts';
import { addTallies, type RequestTally } from '../../src/services/request-tallies.ts';
import { deciding, type Mutation, stating } from './sabotage.ts';

type EvidenceRead = Extract<DeploymentEvent, { type: 'EvidenceRead' }>;

/** In front of what a deployment hears of its judge's evidence. */
function hearing(change: (event: EvidenceRead, state: Deployment) => EvidenceRead): Sabotage {
  return deciding(
    DEPLOYMENT,
    (decide) => (state, event, now) => decide(state, event.type === 'EvidenceRead' ? change(event, state) : event, now),
  );
}

/** As if its bakes could be extended by so much, and it went on after that. */
function limited(state: Deployment, extendMs: number): Deployment {
  if (state.judge === undefined) return state;
  const { judge } = state.judge;
  const settings: JudgeSettings = { ...judge.settings, extendMs };
  return { ...state, judge: { ...state.judge, judge: { ...judge, settings } } };
}

/** Groups with a judge, both versions get requests; in worlds of one process; with versions that are found bad. */
const JUDGED = [22, 57, 39, 52, 15];
const JUDGED_ALONE = [39, 22, 15, 66];
const JUDGED_BAD = [183, 45, 122, 57];
export const judgeMutations: readonly Mutation[] = [
  {
    name: 'requests are counted twice',
    breaks: ['tally'],
    seeds: JUDGED,
    sabotage: stating('INSERT INTO documents', (ask, sql, parameters) => {
      if (parameters[0] !== 'lambda.requestTally') return ask(sql, parameters);
      const tally = JSON.parse(parameters[6] as string) as RequestTally;
      const [split] = tally.splits;
      const twice = split && {
        ...tally,
        splits: [{ ...split, mainTally: addTallies(split.mainTally, split.mainTally) }],
      };
      return ask(sql, parameters.with(6, JSON.stringify(twice)));
    }),
  },
  {
    name: 'evidence is heard twice',
    breaks: ['evidence'],
    seeds: JUDGED,
    sabotage: hearing((event, { judge }) => ({ ...event, since: judge?.heardUntil ?? event.since })),
  },
  {
    name: 'evidence that was read is lost',
    breaks: ['evidence'],
    seeds: JUDGED,
    sabotage: hearing((event) => ({ ...event, evidence: event.evidence.slice(1) })),
  },
  {
    name: 'evidence is read before it is written',
    breaks: ['evidence'],
    seeds: JUDGED_ALONE,
    sabotage: {
      loop: (loop) =>
        loop.kind !== DEPLOYMENT
          ? loop
          : {
              ...loop,
              perform: (effect, context) =>
                loop.perform(
                  effect,
                  effect.type === 'ReadEvidence' ? { ...context, now: context.now + 5_000 } : context,
                ),
            },
    },
  },
  {
    name: "the judge's verdict is ignored",
    breaks: ['verdict'],
    seeds: JUDGED_BAD,
    sabotage: deciding(DEPLOYMENT, (decide) => (state: Deployment, event, now) => {
      const decision = decide(state, event, now);
      const { judge, phase } = decision.state;
      if (event.type !== 'EvidenceRead' || judge?.judge.bad === undefined || phase === state.phase) return decision;
      return { state: { ...state, judge }, effects: [] };
    }),
  },
  {
    name: 'the judge says bad of what is not',
    breaks: ['verdict'],
    // Of what was heard before, nothing is counted once it is bad.
    seeds: [57, 52, 45],
    sabotage: deciding(DEPLOYMENT, (decide) => (state: Deployment, event, now) => {
      if (event.type !== 'EvidenceRead' || state.judge === undefined) return decide(state, event, now);
      const { judge } = state.judge;
      return decide({ ...state, judge: { ...state.judge, judge: { ...judge, bad: 'errors' } } }, event, now);
    }),
  },
  {
    name: 'a bake that is over is over, safe or not',
    breaks: ['verdict'],
    seeds: JUDGED,
    sabotage: deciding(DEPLOYMENT, (decide) => (state: Deployment, event, now) => {
      if (event.type !== 'EvidenceRead' || state.judge === undefined) return decide(state, event, now);
      const decision = decide(limited(state, 0), event, now);
      return { ...decision, state: limited(decision.state, state.judge.judge.settings.extendMs) };
    }),
  },
  {
    name: 'a bake is extended without limit',
    breaks: ['extension', 'liveness'],
    seeds: JUDGED,
    sabotage: deciding(DEPLOYMENT, (decide) => (state: Deployment, event, now) => {
      const decision = decide(state, event, now);
      const { judge } = decision.state;
      return judge === undefined
        ? decision
        : { ...decision, state: { ...decision.state, judge: { ...judge, extendedMs: 0 } } };
    }),
  },
];
