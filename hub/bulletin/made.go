package bulletin

import (
	"context"
	"crypto/rand"
	"fmt"

	"github.com/loa-vn/loa/hub/account"
	"github.com/loa-vn/loa/protocol"
)

// Made takes in a bulletin whose sound need not be made any more: a rendition
// that is there, or a stream in its place. It can be submitted at once.
func (s *Service) Made(ctx context.Context, a account.Actor, c Content, r *Rendition, relay *protocol.Relay) (Bulletin, error) {
	if err := s.may(ctx, a, account.Write, c.Unit); err != nil {
		return Bulletin{}, err
	}
	c.Options = SoundOptions{Wanted: true}
	c, err := c.clean(s.sounds.Check)
	if err != nil {
		return Bulletin{}, err
	}
	id, err := protocol.NewID(s.now(), rand.Reader)
	if err != nil {
		return Bulletin{}, err
	}
	b := Bulletin{ID: protocol.BulletinID(id), Work: protocol.BulletinID(id), Revision: 1, Author: a.Person, Origin: FromAPI, Created: s.now()}
	b.take(c, nil, s.now())
	b.State, b.Rendition, b.Relay = Ready, r, relay
	if err := s.store.CreateBulletin(ctx, b, false); err != nil {
		return Bulletin{}, fmt.Errorf("create bulletin: %w", err)
	}
	return b, nil
}
