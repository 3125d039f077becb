export {
  type Created,
  defineLoop,
  type EffectContext,
  type Engine,
  type EngineEffect,
  type LoopDefinition,
  type Tagged,
  type TimerFired,
} from './engine.ts';
export { type CrashPoint, type EngineOptions, LoopEngine, type RunningEngine } from './loop-engine.ts';
export { TURNS_BETWEEN_BEGINNINGS } from './turns.ts';
