//go:build !linux

package timesync

// kernel knows nothing here, so that only the hub's answers count.
func kernel() System { return System{} }
