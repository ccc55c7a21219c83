//go:build unix

package broker

import "syscall"

// writeNow hands the socket what it takes of p without waiting, and returns how much that was.
func writeNow(socket syscall.RawConn, p []byte) (n int) {
	_ = socket.Write(func(fd uintptr) bool {
		n, _ = syscall.Write(int(fd), p)
		return true // never wait until it can be written to
	})
	return max(n, 0)
}
