package enrol

import (
	"errors"
	"testing"
	"time"
)

func TestJudge(t *testing.T) {
	now := time.Date(2026, 11, 24, 5, 0, 0, 0, time.UTC)
	want := hash([]byte("the secret"))
	mine, other := []byte("my key"), []byte("another key")
	open := Pending{Hash: want, Expires: now.Add(time.Millisecond)}
	for _, c := range []struct {
		name string
		p    func(Pending) Pending
		want error
	}{
		{"waits", func(p Pending) Pending { return p }, nil},
		{"replaces hardware", func(p Pending) Pending { p.Public = other; return p }, nil},
		{"other secret", func(p Pending) Pending { p.Hash[0] ^= 1; return p }, ErrSecret},
		{"ends now", func(p Pending) Pending { p.Expires = now; return p }, ErrGone},
		{"revoked", func(p Pending) Pending { p.Revoked = now; return p }, ErrGone},
		{"used by this key just now", func(p Pending) Pending { p.Used, p.Public = now.Add(-time.Hour), mine; return p }, nil},
		{"used by this key long ago", func(p Pending) Pending { p.Used, p.Public = now.Add(-retryLife), mine; return p }, ErrGone},
		{"used by another key", func(p Pending) Pending { p.Used, p.Public = now.Add(-time.Hour), other; return p }, ErrEnrolled},
		{"used and revoked", func(p Pending) Pending { p.Used, p.Public, p.Revoked = now, mine, now; return p }, ErrGone},
	} {
		if err := judge(c.p(open), want, mine, now); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
}
