//go:build !unix

package broker

import "syscall"

// writeNow leaves all of p to the queue.
func writeNow(syscall.RawConn, []byte) int { return 0 }
