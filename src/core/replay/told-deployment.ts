import type { DeploymentEffect, DeploymentEvent, DeploymentState } from '../lambda-deployment/index.ts';
import { effectWords, spaced } from './told-words.ts';
import type { Told, ToldTurn } from './told.ts';

export function toldOfDeployment({ event, before, after, effects }: ToldTurn<DeploymentState>): Told {
  return {
    event: eventWords(event as DeploymentEvent, after),
    changes: changeWords(before, after),
    effects: effectWords(effects, (effect) => ownEffect(effect as DeploymentEffect, after)),
  };
}

function eventWords(event: DeploymentEvent, { target, alarms }: DeploymentState): string {
  switch (event.type) {
    case 'RevisionRead': {
      const { functionName, alias, currentVersion, targetVersion } = event.target;
      return `the revision was read: ${functionName}:${alias} from version ${currentVersion} to ${targetVersion}`;
    }
    case 'PreparationFailed':
    case 'TrafficNotSet':
    case 'HookNotInvoked':
      return `${spaced(event.type)}: ${event.message}`;
    case 'AlarmsRead':
      if (event.raised.length > 0) return `the alarms were read: ${event.raised.join(', ')} in ALARM`;
      return event.unreadable === undefined
        ? 'the alarms were read: none in ALARM'
        : `the alarms could not be read: ${event.unreadable.message}`;
    case 'TrafficSet':
      return `${event.weightPercent} % of the traffic was set on version ${target?.targetVersion ?? '?'}`;
    case 'EvidenceRead': {
      const total = (of: 'fresh' | 'old'): number => event.evidence.reduce((sum, each) => sum + each[of].requests, 0);
      return `the judge heard ${total('fresh')} requests of the new version, ${total('old')} of the old`;
    }
    case 'OriginalRead':
      return 'the version to return to was looked at';
    case 'HookAnswered':
      return `the hook answered ${event.succeeded ? 'Succeeded' : 'Failed'}`;
    case 'StopRequested':
      return 'a stop was asked for';
    case 'TimerFired': {
      if (event.timer === 'shift') return 'the time of the next step came';
      if (event.timer === 'alarms') return 'it was time to look at the alarms';
      const index = /^alarm:(\d+)$/.exec(event.timer)?.[1];
      if (index !== undefined) return `the alarm ${alarms.names[Number(index)] ?? index} changed its state`;
      return `the timer ${event.timer} fired`;
    }
    default:
      return spaced((event as { type: string }).type);
  }
}

function changeWords(before: DeploymentState, after: DeploymentState): string[] {
  const words: string[] = [];
  for (const { name, status } of after.lifecycleEvents) {
    const was = before.lifecycleEvents.find((each) => each.name === name)?.status;
    if (was !== status && status !== 'Pending') words.push(`${name} ${status}`);
  }
  if (before.weightPercent !== after.weightPercent)
    words.push(`${after.weightPercent} % of the traffic on version ${after.target?.targetVersion ?? '?'}`);
  const { phase } = after;
  if (phase.name !== before.phase.name) words.push(phaseWords(after));
  if (phase.name === 'Moving' && phase.ending !== undefined) words.push(`will end: ${phase.ending.message}`);
  for (const message of after.statusMessages ?? [])
    if (before.statusMessages?.includes(message) !== true) words.push(message);
  if (after.rollbackInfo !== undefined && before.rollbackInfo === undefined) words.push(after.rollbackInfo.message);
  return words;
}

/** Where a deployment is. */
export function phaseWords({ phase, target }: DeploymentState): string {
  switch (phase.name) {
    case 'Preparing':
      return 'reading the revision';
    case 'CheckingAlarms': {
      const then = { Begin: 'beginning', Move: 'moving traffic', Succeed: 'ending well' } as const;
      return `looking at the alarms before ${then[phase.next]}`;
    }
    case 'BeforeAllowTraffic':
    case 'AfterAllowTraffic':
      return `waiting for the hook of ${phase.name}`;
    case 'Moving':
      return `moving ${phase.weightPercent} % of the traffic to version ${target?.targetVersion ?? '?'}`;
    case 'Baking':
      return 'baking';
    case 'Judging':
      return 'asking the judge';
    case 'Returning':
      return 'returning the traffic';
    case 'Restoring':
      return 'returning the traffic before it ends';
    case 'Ended':
      return `${phase.status}${phase.error === undefined ? '' : `: ${phase.error.code}`}`;
  }
}

function ownEffect(effect: DeploymentEffect, { target, alarms }: DeploymentState): string | undefined {
  switch (effect.type) {
    case 'WakeAt': {
      const index = /^alarm:(\d+)$/.exec(effect.timer)?.[1];
      return index === undefined ? undefined : `wake when the alarm ${alarms.names[Number(index)]} changes its state`;
    }
    case 'ReadRevision':
      return 'read the revision';
    case 'ReadAlarms':
      return 'read the alarms';
    case 'SetTraffic':
      return `set ${effect.weightPercent} % of the traffic on version ${target?.targetVersion ?? '?'}`;
    case 'ReadEvidence':
      return 'hear both versions';
    case 'ReadOriginal':
      return `look at version ${effect.original}`;
    case 'InvokeHook':
      return `call ${effect.functionName} for ${effect.hook}`;
    case 'CreateRollback':
      return `roll back by ${effect.rollbackId}${effect.moveTraffic ? '' : ' (no traffic was moved)'}`;
    case 'Announce':
      return `announce ${effect.announcement}`;
    default:
      return undefined;
  }
}
