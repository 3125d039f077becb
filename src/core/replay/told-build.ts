import type { BuildEffect, BuildEvent, BuildState } from '../build/index.ts';
import { effectWords, spaced } from './told-words.ts';
import type { Told, ToldTurn } from './told.ts';

export function toldOfBuild({ event, before, after, effects }: ToldTurn<BuildState>): Told {
  return {
    event: eventWords(event as BuildEvent),
    changes: changeWords(before, after),
    effects: effectWords(effects, (effect) => ownEffect(effect as BuildEffect, after)),
  };
}

function eventWords(event: BuildEvent): string {
  switch (event.type) {
    case 'Admitted':
      return 'a place to run was free';
    case 'PhaseEnded': {
      const message = event.contexts.find((context) => context.message !== '')?.message;
      return `${event.phase} ${event.failed ? 'failed' : 'ended well'}${message === undefined ? '' : `: ${message}`}`;
    }
    case 'StopRequested':
      return 'a stop was asked for';
    case 'RunnerFailed':
      return `the runner failed: ${event.message}`;
    case 'Interrupted':
      return 'Sluice had been away';
    case 'TimerFired':
      return `the timer ${event.timer} fired`;
    default:
      return spaced(event.type);
  }
}

function changeWords(before: BuildState, after: BuildState): string[] {
  const words: string[] = [];
  if (after.run !== before.run) words.push(`run ${after.run}`);
  const phase = after.phases.at(-1);
  if (phase !== undefined && phase.phaseType !== before.phases.at(-1)?.phaseType) words.push(`in ${phase.phaseType}`);
  if (after.stopping && !before.stopping) words.push('stopping');
  if (after.status !== before.status) words.push(after.status);
  return words;
}

function ownEffect(effect: BuildEffect, { phases }: BuildState): string | undefined {
  switch (effect.type) {
    case 'Enqueue':
      return 'wait for a place to run';
    case 'Run':
      return `run it (run ${effect.run})`;
    case 'Kill':
      return 'end its processes';
    case 'PublishState':
      return `announce ${effect.status}`;
    case 'PublishPhase':
      return `announce the end of ${phases[effect.index]?.phaseType ?? 'a phase'}`;
    case 'CountMetrics':
      return 'count it in the metrics';
    case 'CleanUp':
      return 'clean up';
    default:
      return undefined;
  }
}
