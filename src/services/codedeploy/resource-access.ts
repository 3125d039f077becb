/** What CodeDeploy knows of an application or deployment group named by its ARN. */
import { parseArn } from '../../common/index.ts';
import { resourceTagKeys } from '../resource-tags.ts';
import type { House, ResourceFacts } from '../service.ts';
import { applications, deploymentGroups, groupKeyId } from './records.ts';

export async function resourceAccess(arn: string, _action: string, house: House): Promise<ResourceFacts | undefined> {
  const parsed = parseArn(arn);
  if (parsed?.service !== 'codedeploy') return undefined;
  const { account, region } = parsed;
  const [, kind, name = ''] = /^(application|deploymentgroup):(.+)$/.exec(parsed.resource) ?? [];
  const [applicationName = '', groupName] = name.split('/');
  const application = (await applications.get(house.store, { account, region, id: applicationName }))?.document;
  if (kind === undefined || application === undefined) return undefined;
  const found =
    kind === 'application'
      ? application
      : (
          await deploymentGroups.get(house.store, {
            account,
            region,
            id: groupKeyId(application.applicationId, groupName ?? ''),
          })
        )?.document;
  return found && { resourceAccount: account, context: resourceTagKeys(found.tags) };
}
