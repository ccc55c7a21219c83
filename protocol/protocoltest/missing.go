package protocoltest

import (
	"os"
	"testing"
)

// Missing skips a test for want of something, unless `make test` was to install it.
func Missing(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("LOA_TEST_ALL") != "" {
		t.Fatal(what + " is missing although `make test` was to install it")
	}
	t.Skip(what + " is missing: `make test` installs it")
}
