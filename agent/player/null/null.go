// Package null is a sink that takes frames at the pace of a sound card and drops them,
// for devices without sound and for tests.
//
// It decides nothing and never makes a sound.
package null

import "github.com/loa-vn/loa/agent/player/feed"

// New returns a sink of one or two channels.
func New(channels int) *feed.Paced { return feed.NewPaced(channels, nowhere{}) }

type nowhere struct{}

func (nowhere) Take(feed.Span, []int16) error { return nil }
func (nowhere) Idle() error                   { return nil }
