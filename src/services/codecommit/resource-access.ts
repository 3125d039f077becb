/** What CodeCommit knows of a repository named by its ARN. */
import { parseArn } from '../../common/index.ts';
import { resourceTagKeys } from '../resource-tags.ts';
import type { House, ResourceFacts } from '../service.ts';
import { repositories } from './repository.ts';

export async function resourceAccess(arn: string, _action: string, house: House): Promise<ResourceFacts | undefined> {
  const parsed = parseArn(arn);
  if (parsed?.service !== 'codecommit') return undefined;
  const { account, region, resource } = parsed;
  const repository = (await repositories.get(house.store, { account, region, id: resource }))?.document;
  return repository && { resourceAccount: account, context: resourceTagKeys(repository.tags) };
}
