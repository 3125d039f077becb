/**
 * What follows of itself once an event is taken in: actions start, stages end, executions move on to the next entrance,
 * supersede each other, enter, and leave the line.
 */
import { assert, DAY_MS } from '../../common/index.ts';
import { currentRuns, DEADLINE_TIMER, isLive, planOf, stageOf, type Turn } from './turn.ts';
import type { ActionPlan, Execution, PipelineLine, StagePlan } from './types.ts';

/** Within one execution of a PARALLEL pipeline. Source: CodePipeline User Guide, "Quotas". */
const PARALLEL_ACTIONS = 5;

/** A transition disabled for longer than this does not let the held execution go on. Source: User Guide, "Disable transitions". */
export const STALE_AFTER_MS = 30 * DAY_MS;

/** Runs until nothing moves any more. Each round moves some execution forward along its finite plan, so it ends. */
export function advance(turn: Turn): void {
  let moved = true;
  while (moved) {
    moved = false;
    for (const execution of turn.line.executions) if (isLive(execution)) moved = progress(turn, execution) || moved;
    moved = admit(turn) || moved;
  }
  forgetPlans(turn);
  archive(turn);
  setDeadlineTimer(turn);
}

/** Takes an execution as far as its running actions allow. True when it moved. */
function progress(turn: Turn, execution: Execution): boolean {
  if (execution.position === 'Waiting') return progressWaiting(turn, execution);
  const runs = currentRuns(execution);
  const running = runs.filter((action) => action.status === 'InProgress').length;
  if (execution.status === 'Stopping' || execution.cancelling === true) {
    return running === 0 && endEarly(turn, execution);
  }
  if (runs.some((action) => action.status === 'Failed' || action.status === 'Abandoned')) {
    if (running > 0) return false;
    turn.setStatus(turn.setStage(execution, 'Failed', 'FAILED'), 'Failed', 'FAILED');
    return true;
  }
  const due = dueActions(turn.stage(execution), execution);
  if (due === 'StageDone') {
    leaveStage(turn, execution);
    return true;
  }
  const room =
    turn.plan(execution).mode === 'PARALLEL' ? Math.max(0, PARALLEL_ACTIONS - running) : Number.POSITIVE_INFINITY;
  let current = execution;
  for (const action of due.slice(0, room)) current = turn.startAction(current, action);
  return current !== execution;
}

function progressWaiting(turn: Turn, execution: Execution): boolean {
  if (execution.cancelling === true) turn.setStatus(execution, 'Cancelled', 'CANCELED');
  else if (execution.status === 'Stopping') turn.setStatus(execution, 'Stopped', 'STOPPED');
  else return false;
  return true;
}

/** Ends an execution whose stop or cancellation waited for its running actions. A stop outranks a cancellation. */
function endEarly(turn: Turn, execution: Execution): true {
  if (execution.status === 'Stopping') {
    turn.setStatus(turn.setStage(execution, 'Stopped', 'STOPPED'), 'Stopped', 'STOPPED');
  } else {
    turn.setStatus(turn.setStage(execution, 'Cancelled', 'CANCELED'), 'Cancelled', 'CANCELED');
  }
  return true;
}

/** The actions to start next: those of the lowest run order that is not done and have no run yet. */
function dueActions(stage: StagePlan, execution: Execution): readonly ActionPlan[] | 'StageDone' {
  const done = new Set(
    currentRuns(execution)
      .filter((action) => action.status === 'Succeeded')
      .map((action) => action.action),
  );
  const open = stage.actions.filter((action) => !done.has(action.name));
  if (open.length === 0) return 'StageDone';
  const order = Math.min(...open.map((action) => action.runOrder));
  return open.filter((action) => action.runOrder === order && execution.runs[action.name] === undefined);
}

function leaveStage(turn: Turn, execution: Execution): void {
  const left = turn.setStage(execution, 'Succeeded', 'SUCCEEDED');
  if (left.stageIndex + 1 < turn.plan(left).stages.length) {
    turn.put({ ...left, stageIndex: left.stageIndex + 1, position: 'Waiting', runs: {} });
  } else {
    turn.setStatus(left, 'Succeeded', 'SUCCEEDED');
  }
}

/**
 * At every entrance: SUPERSEDED keeps only the newest in front of it; then whoever is first (the newest, or in QUEUED
 * mode the oldest) goes in if the transition is enabled and nobody holds the stage. True when anybody moved.
 */
function admit(turn: Turn): boolean {
  let moved = false;
  const entrances = new Set<string>();
  for (const execution of turn.line.executions) if (waits(execution)) entrances.add(stageOf(turn.line, execution).name);
  for (const name of entrances) {
    const waiting = turn.line.executions.filter(
      (execution) => waits(execution) && stageOf(turn.line, execution).name === name,
    );
    for (const execution of waiting) {
      const mode = turn.plan(execution).mode;
      const newest = execution.ordinal === Math.max(...waiting.map((other) => other.ordinal));
      if (mode === 'SUPERSEDED' && !newest) {
        turn.setStatus(execution, 'Superseded', 'SUPERSEDED');
        moved = true;
      } else if (execution.stale !== true && gateIsOpen(turn.line, execution) && isFree(turn.line, execution)) {
        enter(turn, execution);
        moved = true;
      }
    }
  }
  return moved;
}

function waits(execution: Execution): boolean {
  return execution.status === 'InProgress' && execution.position === 'Waiting';
}

function gateIsOpen(line: PipelineLine, execution: Execution): boolean {
  const plan = planOf(line, execution);
  const name = plan.stages[execution.stageIndex]?.name ?? '';
  const before = plan.stages[execution.stageIndex - 1]?.name;
  const inbound = line.stages[name]?.inbound?.enabled ?? true;
  const outbound = before === undefined ? true : (line.stages[before]?.outbound?.enabled ?? true);
  return inbound && outbound;
}

/** Nobody is inside the stage of this name, of whatever version; executions of PARALLEL pipelines ignore each other. */
function isFree(line: PipelineLine, execution: Execution): boolean {
  if (planOf(line, execution).mode === 'PARALLEL') return true;
  const { name } = stageOf(line, execution);
  return !line.executions.some(
    (other) =>
      isLive(other) &&
      other.position === 'Inside' &&
      stageOf(line, other).name === name &&
      planOf(line, other).mode !== 'PARALLEL',
  );
}

function enter(turn: Turn, execution: Execution): void {
  const entered = turn.setStage({ ...execution, position: 'Inside', runs: {} }, 'InProgress', 'STARTED');
  assert(entered.status === 'InProgress', 'only an execution in progress enters a stage');
}

/** A failed or stopped execution stays in the line while its stage may be retried. */
export function mayBeRetried(line: PipelineLine, execution: Execution): boolean {
  if (execution.status !== 'Failed' && execution.status !== 'Stopped') return false;
  if (execution.position === 'Waiting' || execution.version !== line.version) return false;
  return line.stages[stageOf(line, execution).name]?.latest?.executionId === execution.id;
}

export function isOver(line: PipelineLine, execution: Execution): boolean {
  return !isLive(execution) && !mayBeRetried(line, execution);
}

function archive(turn: Turn): void {
  if (turn.line.archiving === true) return;
  if (!turn.line.executions.some((execution) => isOver(turn.line, execution))) return;
  turn.patch({ archiving: true });
  turn.effects.push({ type: 'ArchiveExecutions', lane: 'archive' });
}

function forgetPlans(turn: Turn): void {
  const used = new Set([turn.line.version, ...turn.line.executions.map((execution) => execution.version)]);
  const plans = Object.entries(turn.line.plans).filter(([version]) => used.has(Number(version)));
  if (plans.length < Object.keys(turn.line.plans).length) turn.patch({ plans: Object.fromEntries(plans) });
}

/**
 * One timer for all deadlines of the line. It is moved only to an earlier instant, and taken away when nothing has a
 * deadline: a timer that comes too early finds nothing overdue and is set anew, so that in an ordinary execution,
 * action after action, the timer is written once and not at every action.
 */
function setDeadlineTimer(turn: Turn): void {
  let earliest: number | undefined;
  for (const execution of turn.line.executions) {
    if (!isLive(execution)) continue;
    for (const action of currentRuns(execution)) {
      if (action.status === 'InProgress') earliest = Math.min(earliest ?? action.deadlineAt, action.deadlineAt);
    }
  }
  const { timerAt } = turn.line;
  if (earliest === undefined) {
    if (timerAt === undefined) return;
    turn.patch({ timerAt: undefined });
    turn.effects.push({ type: 'CancelTimer', timer: DEADLINE_TIMER });
  } else if (timerAt === undefined || earliest < timerAt) {
    turn.patch({ timerAt: earliest });
    turn.effects.push({ type: 'WakeAt', timer: DEADLINE_TIMER, at: earliest });
  }
}
