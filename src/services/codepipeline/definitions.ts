/** Definitions as they are stored and run by: each version never changes, so what is read once is kept in memory. */
import { assert } from '../../common/index.ts';
import {
  type ActionDeclaration,
  type ActionTypeDefinition,
  type ArtifactStore,
  type PipelineDeclaration,
  type StageDeclaration,
} from '../../core/pipeline-definition/index.ts';
import type { House, Scope } from '../service.ts';
import { customActionTypes, type VersionRecord, versionKey, versions } from './records.ts';

const KEPT = 500;
const memories = new WeakMap<House, Map<string, VersionRecord>>();

/** A version of a pipeline's definition; undefined when the pipeline is gone. */
export async function definitionOf(
  house: House,
  scope: Scope,
  name: string,
  pipelineId: string,
  version: number,
): Promise<VersionRecord | undefined> {
  let memory = memories.get(house);
  if (memory === undefined) memories.set(house, (memory = new Map()));
  const id = `${pipelineId}:${version}`;
  const known = memory.get(id);
  if (known !== undefined) return known;
  const stored = await versions.get(house.store, versionKey(scope, name, version));
  if (stored === undefined || stored.document.pipelineId !== pipelineId) return undefined;
  const [oldest] = memory.keys();
  if (memory.size >= KEPT && oldest !== undefined) memory.delete(oldest);
  memory.set(id, stored.document);
  return stored.document;
}

export async function customTypesOf(house: House, scope: Scope): Promise<ActionTypeDefinition[]> {
  const stored = await customActionTypes.list(house.store, { account: scope.account, region: scope.region });
  return stored.flatMap(({ document }) => (document.deletedAt === undefined ? document.definition : []));
}

export function findAction(
  declaration: PipelineDeclaration,
  stageName: string,
  actionName: string,
): ActionDeclaration | undefined {
  return findStage(declaration, stageName)?.actions.find((action) => action.name === actionName);
}

export function findStage(declaration: PipelineDeclaration, stageName: string): StageDeclaration | undefined {
  return declaration.stages.find((stage) => stage.name === stageName);
}

/** The artifact store of a Region. */
export function storeIn(declaration: PipelineDeclaration, region: string): ArtifactStore {
  const store = declaration.artifactStores?.[region] ?? declaration.artifactStore;
  assert(store !== undefined, `pipeline ${declaration.name} has an artifact store in ${region}`);
  return store;
}
