export {
  type ArtifactFiles,
  type Buildspec,
  type BuildspecResult,
  type Path,
  phaseCount,
  type PhaseCommands,
  readBuildspec,
} from './buildspec.ts';
