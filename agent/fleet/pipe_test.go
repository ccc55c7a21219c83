package fleet

import (
	"context"
	"errors"
	"net"
	"testing"
)

// newPipes dials pipes, and hands their other ends to whoever is the hub.
func newPipes(ends chan<- net.Conn) func(context.Context, string, string) (net.Conn, error) {
	return func(context.Context, string, string) (net.Conn, error) {
		near, far := net.Pipe()
		ends <- far
		return near, nil
	}
}

func closeAll(t *testing.T, conns ...net.Conn) {
	t.Helper()
	var errs []error
	for _, c := range conns {
		errs = append(errs, c.Close())
	}
	if err := errors.Join(errs...); err != nil {
		t.Error(err)
	}
}
