package verify

import (
	"errors"
	"fmt"
	"time"

	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/envelope"
)

// turnover is how long the hub's former key may go on: it announces the new one's
// delegation to devices. What it signs approves nothing.
const turnover = 24 * time.Hour

// epoch is a time between two changes of who stands for the roots, a registrar or
// the hub: what was signed then is judged by who stood for them then.
type epoch struct {
	from protocol.Instant
	docs int // how many of the checker's acts were in force
}

// act is a list of roots or a delegation, in the order of their numbers.
type act struct {
	roots bool
	bytes []byte
}

func (a act) add(chain *envelope.Chain) (protocol.Instant, error) {
	if a.roots {
		r, err := chain.AddRoots(a.bytes)
		return protocol.Instant(r.Number), err
	}
	d, err := chain.AddDelegation(a.bytes)
	return protocol.Instant(d.Number), err
}

// delegations finds the epochs, and names what no root stands behind.
func (c *checker) delegations() {
	if len(c.Roots.Keys) == 0 {
		c.problem("no root was given")
	}
	for _, d := range c.Trust {
		if d.Kind == envelope.KindRoots || d.Kind == envelope.KindDelegation {
			c.acts = append(c.acts, act{d.Kind == envelope.KindRoots, d.Bytes})
		}
	}
	chain := envelope.NewChainOf(c.Roots)
	for i, a := range c.acts {
		from, err := a.add(chain)
		switch {
		case err == nil:
			c.epochs = append(c.epochs, epoch{from: from, docs: i + 1})
		case !errors.Is(err, envelope.ErrOlder):
			c.problem("%s %s: %v", a.kind(), short(protocol.DigestOf(a.bytes)), err)
		}
	}
}

func (a act) kind() envelope.Kind {
	if a.roots {
		return envelope.KindRoots
	}
	return envelope.KindDelegation
}

// chain returns a new chain of an epoch, without lists.
func (c *checker) chain(e epoch) *envelope.Chain {
	chain := envelope.NewChainOf(c.Roots)
	for _, a := range c.acts[:e.docs] {
		_, _ = a.add(chain) // what does not fit was named by delegations
	}
	return chain
}

// during opens a document by the newest epoch that takes it. Who was replaced in
// the one after must have made it before that one, or within grace. open returns
// when it was made.
func (c *checker) during(grace time.Duration, open func(*envelope.Chain) (protocol.Instant, error)) error {
	first := fmt.Errorf("no delegation: %w", envelope.ErrStranger)
	for i := len(c.epochs) - 1; i >= 0; i-- {
		made, err := open(c.chain(c.epochs[i]))
		if err != nil {
			if i == len(c.epochs)-1 {
				first = err
			}
			continue
		}
		if i < len(c.epochs)-1 && !made.Time().Add(-grace).Before(c.epochs[i+1].from.Time()) {
			return fmt.Errorf("signed by who was replaced before: %w", envelope.ErrNotPermitted)
		}
		return nil
	}
	return first
}

// at returns the chain as it stood at an instant. It is not to be changed.
func (c *checker) at(at protocol.Instant) *envelope.Chain {
	now := epoch{}
	for _, e := range c.epochs {
		if e.from <= at || now.docs == 0 {
			now = e
		}
	}
	lists := 0
	for lists < len(c.lists) && c.lists[lists].from <= at {
		lists++
	}
	key := [2]int{now.docs, lists}
	if held, ok := c.chains[key]; ok {
		return held
	}
	chain := c.chain(now)
	for _, l := range c.lists[:lists] {
		_, _ = chain.AddApprovers(l.bytes, c.paths[l.unit])
	}
	c.chains[key] = chain
	return chain
}
