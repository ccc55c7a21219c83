// Package e2e holds tests only: the real hub and real agents in one process, over
// a real broker. It is the one place that imports both sides.
package e2e
