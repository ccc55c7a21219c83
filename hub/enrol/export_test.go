package enrol

// ForgetTries lets a test go on that is not about slowing.
func (s *Service) ForgetTries() { s.tries = newLimiter() }
