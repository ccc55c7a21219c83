// Package display shows pages on a board at their time.
//
// It decides which page of a job stands at which instant, what is shown when
// nothing is on, and what was proved of each showing. It never decides which job
// is shown: that is the schedule's machine, through agent/playout. It never
// waits for an output: a slow one loses frames, and the loss is reported.
//
// Outputs are in the packages below: each drives one kind of board.
package display
