/** What a control policy may say. The rules are in `core/policy`. */
import { validateControlPolicy } from '../../core/policy/index.ts';
import type { ControlPolicyType } from './policy-records.ts';

/** In the words of MalformedPolicyDocumentException; undefined: none. */
export function controlPolicyFault(content: string, type: ControlPolicyType): string | undefined {
  const check = validateControlPolicy(content, type);
  return check.ok ? undefined : check.message;
}
