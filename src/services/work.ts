/**
 * A piece of work that went on after its call returned: a pipeline execution, a build, a deployment. `sluice why` asks each
 * service for it by its id, and finds the calls that were denied on its way by who made them, and when.
 */
import type { EpochMs } from '../common/index.ts';

export type Work = Readonly<{
  /** `pipeline execution`, `build`, `deployment` */
  kind: string;
  id: string;
  /** Of the pipeline, project or deployment group. */
  name: string;
  account: string;
  region: string;
  status: string;
  failures: readonly WorkFailure[];
}>;

export type WorkFailure = Readonly<{
  /** `Deploy/ToProduction`, `DOWNLOAD_SOURCE`. */
  part?: string;
  message: string;
  from: EpochMs;
  until: EpochMs;
  /** The accounts in which its calls were made. */
  accounts: readonly string[];
  /** The calls were made by sessions with one of these names, */
  sessionNames: readonly string[];
  /** or by the service itself for one of these resources (it is then the role that could not be assumed). */
  sourceArns: readonly string[];
  /** The work of another service that was done for it. */
  externalId?: string;
}>;
