"""What a person at a performer's screen does, walked through by a program against a whole stack."""
