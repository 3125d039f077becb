/**
 * The judge of a deployment group (`core/judge`), which its tag `sluice:judge` asks for, or without it the setting
 * `SLUICE_JUDGE`: docs/how-to/judge.md. A value that cannot be read is refused when the group is tagged, and again by a
 * deployment.
 */
import { AwsError, parseArn } from '../../common/index.ts';
import { JUDGE_TAG, readJudgeTag } from '../../core/judge/index.ts';
import {
  type DeploymentEffect,
  type DeploymentEvent,
  type JudgeWatch,
  newJudgeWatch,
} from '../../core/lambda-deployment/index.ts';
import { readEvidence } from '../request-tallies.ts';
import type { House, HouseConfig, Scope } from '../service.ts';
import type { Deployment, Tags } from './records.ts';

/** Throws `InvalidTagsToAddException`. */
export function checkJudgeTag(tags: Tags): void {
  const value = tags[JUDGE_TAG];
  if (value === undefined) return;
  const read = readJudgeTag(value);
  if ('problem' in read)
    throw new AwsError('InvalidTagsToAddException', `The value of the tag ${JUDGE_TAG} is not valid: ${read.problem}.`);
}

/** Undefined where neither the group asks for one nor, if it says nothing, the house. Throws `InvalidAlarmConfigException`. */
export function judgeOf(tags: Tags, { judge }: HouseConfig, now: number): JudgeWatch | undefined {
  const value = tags[JUDGE_TAG];
  if (value === undefined) return judge && newJudgeWatch(judge, now);
  const read = readJudgeTag(value);
  if ('problem' in read)
    throw new AwsError(
      'InvalidAlarmConfigException',
      `The deployment group has the tag ${JUDGE_TAG} with a value that is not valid: ${read.problem}.`,
    );
  return read.settings && newJudgeWatch(read.settings, now);
}

export async function lookAtEvidence(
  { house, scope, deployment }: Readonly<{ house: House; scope: Scope; deployment: Deployment }>,
  { look }: Extract<DeploymentEffect, { type: 'ReadEvidence' }>,
  now: number,
): Promise<DeploymentEvent | undefined> {
  const { target, judge } = deployment;
  if (target === undefined || judge === undefined) return undefined;
  const { currentVersion: old, targetVersion: fresh, alias } = target;
  const since = judge.heardUntil;
  const versions = { functionName: nameOf(target.functionName), alias, old, fresh };
  const read = await readEvidence(house.store, scope, versions, since, now);
  return { type: 'EvidenceRead', ...(look !== undefined && { look }), since, ...read };
}

/** An AppSpec names its function by name or ARN. */
function nameOf(functionName: string): string {
  return parseArn(functionName)?.resource.split(':')[1] ?? functionName.split(':').at(-1) ?? functionName;
}
