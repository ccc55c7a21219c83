package api

import (
	"context"

	"github.com/loa-vn/loa/protocol"
)

// calling tells what people are called, for the answer to one request.
type calling func(protocol.PersonID) string

// calling asks once for each person of an answer. Who cannot be found is called by
// the user name.
func (s *Server) calling(ctx context.Context) calling {
	known := map[protocol.PersonID]string{"": ""} // nobody
	return func(id protocol.PersonID) string {
		name, ok := known[id]
		if ok {
			return name
		}
		name, err := s.Account.Called(ctx, id)
		if err != nil {
			s.log.WarnContext(ctx, "person without a name", "person", string(id), "error", err)
			name = string(id)
		}
		known[id] = name
		return name
	}
}
