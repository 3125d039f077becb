/** The secret properties of a pipeline's actions at rest: sealed by the house (docs/adr/0008), bound to their pipeline. */
import type { Secrets } from '../../core/pipeline-definition/index.ts';
import type { House } from '../service.ts';
import type { VersionRecord } from './records.ts';

const contextOf = (pipelineName: string): string => `codepipeline secrets of ${pipelineName}`;

/** Base64; undefined where there are none. */
export function sealSecrets(house: House, pipelineName: string, secrets: Secrets): string | undefined {
  if (Object.keys(secrets).length === 0) return undefined;
  return house.secrets.seal(Buffer.from(JSON.stringify(secrets)), contextOf(pipelineName)).toString('base64');
}

/** Throws when they were sealed by another house. */
export function openSecrets(house: House, { declaration, sealedSecrets, secrets }: VersionRecord): Secrets {
  if (sealedSecrets === undefined) return secrets ?? {};
  const opened = house.secrets.open(Buffer.from(sealedSecrets, 'base64'), contextOf(declaration.name));
  if (opened === undefined) throw new Error(`the secrets of ${declaration.name} were sealed by another house`);
  return JSON.parse(opened.toString('utf8')) as Secrets;
}
