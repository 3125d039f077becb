import { deploymentStatus } from '../../core/lambda-deployment/index.ts';
import type { House } from '../service.ts';
import type { Work } from '../work.ts';
import { deployments } from './records.ts';
import { groupArnOf } from './triggers.ts';

/** A deployment, by its id or ARN. */
export async function findWork(idOrArn: string, house: House): Promise<Work | undefined> {
  const id = /^arn:[^:]*:codedeploy:[^:]*:\d{12}:deployment:(.+)$/.exec(idOrArn)?.[1] ?? idOrArn;
  if (!/^d-[A-Z0-9]{9}$/.test(id)) return undefined;
  const [found] = await deployments.list(house.store, { idPrefix: id });
  if (found === undefined) return undefined;
  const { key, document: deployment } = found;
  const { account, region } = key;
  const { phase, info } = deployment;
  const error = phase.name === 'Ended' ? phase.error : undefined;
  return {
    kind: 'deployment',
    id,
    name: `${info.applicationName}/${info.deploymentGroupName}`,
    account,
    region,
    status: deploymentStatus(deployment),
    failures:
      error === undefined
        ? []
        : [
            {
              part: error.code,
              message: error.message,
              from: deployment.createdAt,
              until: deployment.completedAt ?? house.clock.now(),
              accounts: [account],
              sessionNames: [id],
              sourceArns: [groupArnOf(key, deployment)],
            },
          ],
  };
}
