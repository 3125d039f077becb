import type { RequestContext } from '../common/index.ts';

/** The tags of a resource, as the condition keys that every service has for them. */
export function resourceTagKeys(tags: Readonly<Record<string, string>> = {}): RequestContext {
  return Object.fromEntries(Object.entries(tags).map(([key, value]) => [`aws:ResourceTag/${key}`, value]));
}
