/**
 * A policy keeps users and roles by their unique ids once it is saved. Whoever reads an answer wrote ARNs: those of the
 * users and roles that are still there are put back.
 */
import { type Queryable, roles, users } from '../../store/index.ts';

const UNIQUE_ID = /A(?:ROA|IDA)[A-Z0-9]{12,}/;

export async function withNames<Answer>(answer: Answer, q: Queryable): Promise<Answer> {
  const text = JSON.stringify(answer);
  if (!UNIQUE_ID.test(text)) return answer;
  const names = new Map<string, string>();
  for (const { document } of await roles.list(q)) names.set(document.roleId, document.arn);
  for (const { document } of await users.list(q)) names.set(document.userId, document.arn);
  // Only where the id is a text of its own: a principal's `userid` is one of the facts.
  return JSON.parse(
    text.replaceAll(new RegExp(`"(${UNIQUE_ID.source})"`, 'g'), (whole, id: string) => {
      const name = names.get(id);
      return name === undefined ? whole : JSON.stringify(name);
    }),
  ) as Answer;
}
