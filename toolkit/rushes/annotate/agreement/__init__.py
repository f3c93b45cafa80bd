"""How far annotators agree: coefficients beyond chance, matched shapes, spans and relations."""
