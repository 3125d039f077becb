/** A turn in words: what happened, what it changed, what is to be done. Instants are left to whoever shows them. */
import { assertNever } from '../../common/index.ts';
import type { AlarmState } from '../alarm/index.ts';
import type { BuildState } from '../build/index.ts';
import type { DeploymentState } from '../lambda-deployment/index.ts';
import type { PipelineLine } from '../pipeline-execution/index.ts';
import { toldOfBuild } from './told-build.ts';
import { toldOfDeployment } from './told-deployment.ts';
import { toldOfAlarm } from './told-alarm.ts';
import { toldOfLine } from './told-line.ts';
import type { Tagged } from './replay.ts';

export type Told = Readonly<{ event: string; changes: readonly string[]; effects: readonly string[] }>;

export type Subject = 'deployment' | 'pipeline execution' | 'build' | 'alarm';

export type ToldTurn<State = unknown> = Readonly<{
  event: Tagged;
  before: State;
  after: State;
  effects: readonly Tagged[];
}>;

/** `executionId`: of a pipeline's line, only what concerns this execution is told. */
export function told(subject: Subject, turn: ToldTurn, executionId = ''): Told {
  switch (subject) {
    case 'deployment':
      return toldOfDeployment(turn as ToldTurn<DeploymentState>);
    case 'pipeline execution':
      return toldOfLine(turn as ToldTurn<PipelineLine>, executionId);
    case 'build':
      return toldOfBuild(turn as ToldTurn<BuildState>);
    case 'alarm':
      return toldOfAlarm(turn as ToldTurn<AlarmState>);
    default:
      return assertNever(subject);
  }
}
