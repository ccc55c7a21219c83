// Package fleet runs many real agents in one process, with pretended outputs and
// in bad weather, and tells what they really did. The weather follows from a seed
// alone: the same seed gives the same faults at the same times, so what failed can
// be played again. A report compares what a hub says of its devices with the
// journals of the pretended outputs.
//
// It knows a hub by its API and its ports only, and decides nothing for an agent.
package fleet
