"""Sentences that the dashboard offers to translators, and translations that people accept."""

from __future__ import annotations

SHOWCASE = {
    "en": (
        "Excuse me, where is the train station?",
        "I have never seen such a beautiful sunset.",
        "Tom told me that he wanted to learn how to swim.",
        "The old man sat by the window and read the newspaper.",
        "If it rains tomorrow, we will stay at home.",
        "Did you remember to buy the milk?",
        "My sister, who lives in Boston, is a doctor.",
        "She could not find the keys that she had put on the table.",
        "It is never too late to learn something new.",
    ),
    "es": (
        "¿Dónde está la estación de tren?",
        "Nunca he visto una puesta de sol tan bonita.",
        "Mi hermana vive en Madrid y trabaja de médica.",
        "Si mañana llueve, nos quedaremos en casa.",
        "Tom me dijo que quería aprender a nadar.",
        "El anciano leía el periódico junto a la ventana.",
        "¿Te has acordado de comprar la leche?",
        "Nunca es demasiado tarde para aprender un idioma.",
    ),
}
# Translations of those sentences that people accept, by source and target language.
ACCEPTED: dict[tuple[str, str], dict[str, tuple[str, ...]]] = {
    ("en", "es"): {
        "Excuse me, where is the train station?": (
            "Disculpe, ¿dónde está la estación de tren?",
            "Perdone, ¿dónde está la estación de tren?",
            "Perdón, ¿dónde está la estación de tren?",
            "Disculpa, ¿dónde está la estación de tren?",
            "Disculpe, ¿dónde está la estación de trenes?",
        ),
        "I have never seen such a beautiful sunset.": (
            "Nunca he visto una puesta de sol tan bonita.",
            "Nunca he visto una puesta de sol tan hermosa.",
            "Nunca he visto un atardecer tan bonito.",
            "Nunca he visto un atardecer tan hermoso.",
            "Jamás he visto una puesta de sol tan bonita.",
        ),
        "Tom told me that he wanted to learn how to swim.": (
            "Tom me dijo que quería aprender a nadar.",
            "Tom me contó que quería aprender a nadar.",
        ),
        "The old man sat by the window and read the newspaper.": (
            "El anciano se sentó junto a la ventana y leyó el periódico.",
            "El viejo se sentó junto a la ventana y leyó el periódico.",
            "El anciano estaba sentado junto a la ventana y leía el periódico.",
        ),
        "If it rains tomorrow, we will stay at home.": (
            "Si mañana llueve, nos quedaremos en casa.",
            "Si llueve mañana, nos quedaremos en casa.",
        ),
        "Did you remember to buy the milk?": (
            "¿Te acordaste de comprar la leche?",
            "¿Te has acordado de comprar la leche?",
            "¿Recordaste comprar la leche?",
            "¿Se acordó de comprar la leche?",
        ),
        "My sister, who lives in Boston, is a doctor.": (
            "Mi hermana, que vive en Boston, es médica.",
            "Mi hermana, que vive en Boston, es médico.",
            "Mi hermana, que vive en Boston, es doctora.",
        ),
        "She could not find the keys that she had put on the table.": (
            "No pudo encontrar las llaves que había puesto en la mesa.",
            "Ella no pudo encontrar las llaves que había puesto en la mesa.",
            "No pudo encontrar las llaves que había dejado sobre la mesa.",
            "No encontraba las llaves que había puesto sobre la mesa.",
        ),
        "It is never too late to learn something new.": (
            "Nunca es demasiado tarde para aprender algo nuevo.",
            "Nunca es tarde para aprender algo nuevo.",
        ),
    },
    ("es", "en"): {
        "¿Dónde está la estación de tren?": (
            "Where is the train station?",
            "Where's the train station?",
        ),
        "Nunca he visto una puesta de sol tan bonita.": (
            "I have never seen such a beautiful sunset.",
            "I've never seen such a beautiful sunset.",
        ),
        "Mi hermana vive en Madrid y trabaja de médica.": (
            "My sister lives in Madrid and works as a doctor.",
        ),
        "Si mañana llueve, nos quedaremos en casa.": (
            "If it rains tomorrow, we will stay at home.",
            "If it rains tomorrow, we'll stay at home.",
            "If it rains tomorrow, we'll stay home.",
        ),
        "Tom me dijo que quería aprender a nadar.": (
            "Tom told me that he wanted to learn how to swim.",
            "Tom told me he wanted to learn how to swim.",
            "Tom told me that he wanted to learn to swim.",
            "Tom told me he wanted to learn to swim.",
        ),
        "El anciano leía el periódico junto a la ventana.": (
            "The old man was reading the newspaper by the window.",
            "The old man read the newspaper by the window.",
        ),
        "¿Te has acordado de comprar la leche?": (
            "Did you remember to buy the milk?",
            "Have you remembered to buy the milk?",
        ),
        "Nunca es demasiado tarde para aprender un idioma.": (
            "It is never too late to learn a language.",
            "It's never too late to learn a language.",
        ),
    },
}
