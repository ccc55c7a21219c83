//go:build !linux

package cache

import "os"

// allocate gives a file its length.
func allocate(f *os.File, size int64) error { return f.Truncate(size) }
