/** Thrown where only Node can go on with the command; nothing was started. */
export class LeaveToNode extends Error {}
