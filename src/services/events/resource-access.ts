/** What EventBridge knows of an event bus or rule named by its ARN. */
import { parseArn } from '../../common/index.ts';
import { resourceTagKeys } from '../resource-tags.ts';
import type { House, ResourceFacts } from '../service.ts';
import { findBus, parseRuleArn, ruleKey, rules } from './records.ts';

export async function resourceAccess(arn: string, _action: string, house: House): Promise<ResourceFacts | undefined> {
  const parsed = parseArn(arn);
  if (parsed?.service !== 'events') return undefined;
  const named = parseRuleArn(arn);
  if (named !== undefined) {
    const rule = (await rules.get(house.store, ruleKey(parsed, named.bus, named.name)))?.document;
    return rule && { resourceAccount: parsed.account, context: resourceTagKeys(rule.tags) };
  }
  const [, name] = /^event-bus\/(.+)$/.exec(parsed.resource) ?? [];
  const bus = name === undefined ? undefined : await findBus(house.store, parsed, name);
  if (bus === undefined) return undefined;
  return {
    resourceAccount: parsed.account,
    resourcePolicies:
      bus.policy === undefined ? [] : [{ name: `policy of event bus ${bus.name}`, document: bus.policy }],
    context: resourceTagKeys(bus.tags),
  };
}
