/**
 * What the house acknowledged (DESIGN.md 7). Each is looked for on the disk in the moment of the acknowledgement, and asked
 * for through the door at the end, after every crash that came meanwhile.
 */
import type { ActionExecution, Execution, PipelineLine } from '../../src/core/pipeline-execution/index.ts';
import { sha256 } from './answer.ts';
import { REGION, TARGET, TOOLS } from './layout.ts';
import { Violation } from './violation.ts';
import type { World } from './world.ts';

export type KeptObject = Readonly<{ bucket: string; key: string; versionId: string; sha256: string }>;

export class Ledger {
  readonly #world: World;
  readonly objects: KeptObject[] = [];
  readonly executions: Readonly<{ pipeline: string; id: string }>[] = [];
  readonly deployments: string[] = [];
  readonly #answeredTokens = new Set<string>();

  constructor(world: World) {
    this.#world = world;
  }

  objectKept(bucket: string, key: string, versionId: string, content: Uint8Array): void {
    const row = this.#world.disk.objects.cells.get(`${bucket}\n${versionId}\n${key}`)?.row;
    if (row === undefined) return this.#lost(`the object ${bucket}/${key} (${versionId})`);
    for (const { digest } of JSON.parse(row.segments) as { digest: string }[])
      if (!this.#world.blobs.blobs.has(digest)) this.#lost(`the blob ${digest} of ${bucket}/${key} (${versionId})`);
    this.objects.push({ bucket, key, versionId, sha256: sha256(content) });
  }

  executionStarted(pipeline: string, id: string): void {
    if (this.execution(pipeline, id) === undefined) return this.#lost(`the execution ${id} of ${pipeline}`);
    this.executions.push({ pipeline, id });
  }

  deploymentCreated(id: string): void {
    const key = `codedeploy.deployment\n${TARGET}\n${REGION}\n${id}`;
    if (!this.#world.disk.documents.cells.has(key)) return this.#lost(`the deployment ${id}`);
    this.deployments.push(id);
  }

  approvalAnswered(pipeline: string, token: string, approved: boolean): void {
    if (this.#answeredTokens.has(token))
      this.#world.fail(new Violation('Once', `two answers to one approval of ${pipeline} were accepted`));
    this.#answeredTokens.add(token);
    const action = this.#actionOf(pipeline, token);
    // Abandoned: its execution was stopped meanwhile, and the line may have archived it since.
    if (action !== undefined && action.status === 'InProgress')
      this.#lost(`the ${approved ? 'approval' : 'rejection'} of an action of ${pipeline}`);
  }

  /** It was the role's policy at some time; another may have been put since. */
  rolePolicyPut(account: string, role: string, policy: string): void {
    const known = this.#world.checks.rolePolicies.get(`${account}/${role}`.toLowerCase()) ?? [];
    if (!known.some(({ texts }) => texts.includes(policy))) this.#lost(`the policy of the role ${role}`);
  }

  /** In its line, or archived. */
  execution(pipeline: string, id: string): Execution | undefined {
    const archived = this.#world.disk.documents.cells.get(
      `codepipeline.execution\n${TOOLS}\n${REGION}\n${pipeline}:${id}`,
    );
    if (archived !== undefined) return JSON.parse(archived.row.document) as Execution;
    return this.line(pipeline)?.executions.find((execution) => execution.id === id);
  }

  line(pipeline: string): PipelineLine | undefined {
    const cell = this.#world.disk.documents.cells.get(`codepipeline.pipeline-line\n${TOOLS}\n${REGION}\n${pipeline}`);
    return cell && (JSON.parse(cell.row.document) as PipelineLine);
  }

  #actionOf(pipeline: string, token: string): ActionExecution | undefined {
    return this.line(pipeline)
      ?.executions.flatMap((execution) => execution.actions)
      .find((action) => action.token === token);
  }

  #lost(what: string): void {
    this.#world.fail(new Violation('Durable', `${what} was acknowledged and is not on the disk`));
  }
}
