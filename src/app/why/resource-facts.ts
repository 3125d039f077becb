/** What the services of the house know of a resource, for a decision made outside a call. */
import type { Principal } from '../../common/index.ts';
import type { House, ResourceFacts, ServiceDefinition } from '../../services/index.ts';

export type Knowing = Readonly<{ house: House; services: ReadonlyMap<string, ServiceDefinition> }>;

/** Undefined when nothing is there, or no service of the house knows such ARNs. */
export async function resourceFacts(
  { services, house }: Knowing,
  arn: string,
  action: string,
  principal?: Principal,
): Promise<ResourceFacts | undefined> {
  for (const service of services.values()) {
    const facts = await service.resourceAccess?.(arn, action, house, principal);
    if (facts !== undefined) return facts;
  }
  return undefined;
}
