/**
 * A pipeline definition, as far as Sluice's rules look at it. Field names are AWS's: the definition is a document of the
 * user's that is stored and given back as it came. Source: CodePipeline User Guide, "Pipeline structure reference".
 */
export type ActionTypeId = Readonly<{ category: string; owner: string; provider: string; version: string }>;

export type ActionDeclaration = Readonly<{
  name: string;
  actionTypeId: ActionTypeId;
  runOrder?: number;
  configuration?: Readonly<Record<string, string>>;
  commands?: readonly string[];
  inputArtifacts?: readonly Readonly<{ name: string }>[];
  outputArtifacts?: readonly Readonly<{ name: string; files?: readonly string[] }>[];
  outputVariables?: readonly string[];
  roleArn?: string;
  region?: string;
  namespace?: string;
  timeoutInMinutes?: number;
  environmentVariables?: readonly unknown[];
}>;

export type StageDeclaration = Readonly<{
  name: string;
  blockers?: readonly unknown[];
  actions: readonly ActionDeclaration[];
  onFailure?: Readonly<{ result?: string; retryConfiguration?: unknown; conditions?: readonly unknown[] }>;
  onSuccess?: unknown;
  beforeEntry?: unknown;
}>;

export type EncryptionKey = Readonly<{ id: string; type: string }>;

export type ArtifactStore = Readonly<{ type: string; location: string; encryptionKey?: EncryptionKey }>;

export type VariableDeclaration = Readonly<{ name: string; defaultValue?: string; description?: string }>;

export type PipelineDeclaration = Readonly<{
  name: string;
  roleArn: string;
  artifactStore?: ArtifactStore;
  artifactStores?: Readonly<Record<string, ArtifactStore>>;
  stages: readonly StageDeclaration[];
  version?: number;
  executionMode?: string;
  pipelineType?: string;
  variables?: readonly VariableDeclaration[];
  triggers?: readonly unknown[];
}>;

/** One configuration key of an action type. */
export type ActionProperty = Readonly<{
  name: string;
  required: boolean;
  secret: boolean;
  key: boolean;
  queryable?: boolean;
  description?: string;
  type?: string;
}>;

export type ArtifactCount = Readonly<{ minimumCount: number; maximumCount: number }>;

/** An action type that a pipeline may name: AWS's own, or one that the account defined. */
export type ActionTypeDefinition = Readonly<{
  id: ActionTypeId;
  inputs: ArtifactCount;
  outputs: ArtifactCount;
  properties: readonly ActionProperty[];
  timeoutMs: number;
  /** Absent: Sluice knows of it, and cannot run it. */
  implemented?: true;
  v2Only?: true;
}>;

/** Why a definition is refused: AWS's exception and its message. */
export type Problem = Readonly<{ code: ProblemCode; message: string }>;

export type ProblemCode =
  | 'InvalidStructureException'
  | 'InvalidStageDeclarationException'
  | 'InvalidActionDeclarationException'
  | 'InvalidBlockerDeclarationException';
